import { AutoblockError } from '../errors.ts';
import type { RouterSyncParts, SyncRouter } from './router-sync-parts.ts';

/**
 * Gives a whole sync of one router its time and not more: a router that answers every command just within its own
 * deadline could otherwise hold it for hours. The session is given up, so that nothing goes on behind our back.
 * @throws AutoblockError ROUTER_TIMEOUT, or whatever `work` throws before
 */
export async function withDeadline<Result>(
  { deadlineMs }: Pick<RouterSyncParts, 'deadlineMs'>,
  router: Pick<SyncRouter, 'name' | 'giveUp'>,
  work: () => Promise<Result>,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const reason = `the sync of router ${router.name} was not through within ${deadlineMs / 1000} s`;
      // First our own reason, then the session: what is under way rejects with less telling ones.
      reject(new AutoblockError('ROUTER_TIMEOUT', reason));
      router.giveUp(reason);
    }, deadlineMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
