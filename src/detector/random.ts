import { naturalLog } from './portable-math.ts';

/** A seeded stream of pseudo-random numbers: the same seed gives the same numbers on every engine and platform. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** Standard normal, mean 0 and deviation 1. */
  nextGaussian(): number;
  /** Uniform integer in 0..n-1 for an integer n in 1..2^32 (bias below n / 2^32). Throws RangeError for other n. */
  nextInt(n: number): number;
}

const TWO_POW_32 = 2 ** 32;
const GOLDEN_GAMMA = 0x9e3779b9;
/** PractRand runs a dozen rounds after seeding, so that similar states have parted. */
const WARM_UP_ROUNDS = 12;

/**
 * sfc32 (Chris Doty-Humphrey, PractRand 0.95, `sfc.cpp`; 96 bits of state and a 32-bit counter, period >= 2^32),
 * its three words filled by splitmix32. Seed: any safe integer; throws RangeError for other numbers.
 */
export function createRandom(seed: number): Random {
  const nextUint32 = createSfc32(seed);
  const next = (): number => nextUint32() / TWO_POW_32;
  return { next, nextGaussian: createPolarGaussian(next), nextInt: (n) => drawInt(next, n) };
}

/** The items in random order, each order as likely (Fisher-Yates); the given list is left alone. */
export function shuffled<T>(items: Iterable<T>, random: Random): T[] {
  const order = Array.from(items);
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = random.nextInt(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}

/**
 * A seed (0..2^32-1) for one use of a run's seed, so that two uses never walk the same stream.
 * FNV-1a (Fowler, Noll, Vo) over the label's UTF-16 units, started from the mixed seed.
 */
export function deriveSeed(seed: number, label: string): number {
  let hash = foldSeed(seed) ^ 0x811c9dc5;
  for (let i = 0; i < label.length; i += 1) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return mix32((hash + GOLDEN_GAMMA) | 0);
}

function createSfc32(seed: number): () => number {
  let state = foldSeed(seed);
  const splitmix32 = (): number => {
    state = (state + GOLDEN_GAMMA) | 0;
    return mix32(state);
  };
  let a = splitmix32();
  let b = splitmix32();
  let c = splitmix32();
  let counter = 1;
  const round = (): number => {
    const output = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + output) | 0;
    return output >>> 0;
  };
  for (let i = 0; i < WARM_UP_ROUNDS; i += 1) round();
  return round;
}

/** Both halves of a safe integer in one 32-bit word; a seed below 2^32 is its own word. */
function foldSeed(seed: number): number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`a seed must be a safe integer, got ${seed}`);
  const high = Math.floor(seed / TWO_POW_32) | 0;
  return high === 0 ? seed | 0 : mix32(high) ^ (seed | 0);
}

/** Finaliser of splitmix32 with the constants of TheIronBorn (hash-prospector issue 19, bias 0.107). */
function mix32(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/**
 * Marsaglia's polar method (SIAM Review 6, 1964): no sine or cosine, the square root is exact by IEEE 754 and the
 * logarithm is our own, so the normals do not depend on the engine's last bit as those of Box-Muller would.
 */
function createPolarGaussian(next: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    let u: number;
    let v: number;
    let squared: number;
    do {
      u = 2 * next() - 1;
      v = 2 * next() - 1;
      squared = u * u + v * v;
    } while (squared >= 1 || squared === 0);
    const factor = Math.sqrt((-2 * naturalLog(squared)) / squared);
    spare = v * factor;
    return u * factor;
  };
}

function drawInt(next: () => number, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n > TWO_POW_32)
    throw new RangeError(`nextInt needs an integer in 1..2^32, got ${n}`);
  return Math.floor(next() * n);
}
