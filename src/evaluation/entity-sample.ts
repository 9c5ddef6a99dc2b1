import { deriveSeed } from '../detector/random.ts';

const TWO_POW_32 = 2 ** 32;

/**
 * Chooses a seeded share of the entities by a hash of source and block of time. Whole blocks and not single records:
 * a record in ten would make every rate and count a tenth of what it is.
 *
 * @param share 0-1; 1 keeps everything
 * @param blockMs the longest window that must stay complete; a multiple of shorter ones
 */
export function createEntitySample({
  share,
  blockMs,
  seed,
}: {
  readonly share: number;
  readonly blockMs: number;
  readonly seed: number;
}): (record: { readonly sourceIp: string; readonly timestampMs: number }) => boolean {
  if (share >= 1) return () => true;
  const limit = share * TWO_POW_32;
  return ({ sourceIp, timestampMs }) =>
    deriveSeed(seed, `sample ${sourceIp} ${Math.floor(timestampMs / blockMs)}`) < limit;
}
