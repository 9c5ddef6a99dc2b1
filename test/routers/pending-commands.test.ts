import { describe, expect, it } from 'vitest';
import type { AutoblockError } from '../../src/errors.ts';
import { PendingCommands } from '../../src/routers/pending-commands.ts';
import { parseReply } from '../../src/routers/reply-parsing.ts';

function openPending({ timeoutMs }: { timeoutMs: number }) {
  const clock = { ms: 0 };
  const settled: string[] = [];
  const pending: PendingCommands = new PendingCommands({
    where: 'edge',
    timeoutMs,
    monotonicMs: () => clock.ms,
    onDeadline: (error: AutoblockError) => pending.rejectAll(error),
  });
  const begin = (tag: string) =>
    pending.begin({
      tag,
      command: `/${tag}`,
      settle: (error, rows) => settled.push(`${tag} ${error?.code ?? `done ${rows.length}`}`),
    });
  return { pending, clock, settled, begin };
}

/** Longer than the timers of a deadline of 20 ms would take. */
const pastTimers = () => new Promise((resolve) => setTimeout(resolve, 60));

describe('the deadline of commands', () => {
  it('is of silence: a list that takes longer than it to come in is not given up, nor what waits behind it', async () => {
    const { pending, clock, settled, begin } = openPending({ timeoutMs: 20 });
    begin('list');
    begin('behind');
    for (let row = 1; row <= 4; row += 1) {
      clock.ms += 15;
      pending.take(parseReply(['!re', '.tag=list', '=x=1']));
    }
    await pastTimers();
    expect(settled).toEqual([]);
    pending.take(parseReply(['!done', '.tag=list']));
    clock.ms += 21;
    await expect.poll(() => settled).toEqual(['list done 4', 'behind ROUTER_TIMEOUT']);
  });

  it('is that of the oldest one, and takes all of the connection with it', async () => {
    const { clock, settled, begin } = openPending({ timeoutMs: 20 });
    begin('a');
    clock.ms = 15;
    begin('b');
    clock.ms = 21;
    await expect.poll(() => settled).toEqual(['a ROUTER_TIMEOUT', 'b ROUTER_TIMEOUT']);
  });

  it('begins anew for a later command when the earlier ones were answered', async () => {
    const { pending, clock, settled, begin } = openPending({ timeoutMs: 20 });
    begin('a');
    clock.ms = 15;
    begin('b');
    pending.take(parseReply(['!re', '.tag=a', '=x=1']));
    pending.take(parseReply(['!done', '.tag=a']));
    // The time of the first has passed, the time of the second not.
    clock.ms = 30;
    await pastTimers();
    expect(settled).toEqual(['a done 1']);
    clock.ms = 36;
    await expect.poll(() => settled).toEqual(['a done 1', 'b ROUTER_TIMEOUT']);
  });

  it('does not count the time this process was held up itself: an answer that waits to be read is taken first', async () => {
    const { pending, clock, settled, begin } = openPending({ timeoutMs: 1 });
    begin('a');
    clock.ms = 60_000;
    // Fires right behind the deadline's own timer, as the data of a socket would.
    setTimeout(() => pending.take(parseReply(['!done', '.tag=a'])), 1);
    await expect.poll(() => settled).toEqual(['a done 0']);
  });
});
