import { naturalLog } from './portable-math.ts';

/**
 * The random numbers that the reference implementation of the Extended Isolation Forest (sahandha/eif 2.0.2, C++) draws:
 * MT19937-64 (Nishimura, "Tables of 64-bit Mersenne twisters", ACM TOMACS 10(4), 2000; ISO C++ `mt19937_64`) behind the
 * distributions of libstdc++ 11 and later, which the C++ standard leaves open. The standard does fix the generator:
 * seeded with 5489, its 10,000th word is 9981545732273789042.
 */
export interface TwisterRandom {
  /** Uniform in [0, 1): one word, rounded to 53 bits. */
  next(): number;
  /** Standard normal, mean 0 and deviation 1: two words a try. */
  nextGaussian(): number;
  /**
   * Uniform integer in 0..n-1 for an integer n in 1..2^32 - 1: one word, bias below n / 2^64 (Lemire, ACM TOMACS 29(1),
   * 2019, without his redraw: for the 10^5 rows of a large training set it would come once in 10^14 draws).
   */
  nextInt(n: number): number;
  /** Passes over words that the reference spends on something that makes no difference to us. */
  skip(words: number): void;
}

const TWO_POW_32 = 2 ** 32;
const WORDS = 312;
const MIDDLE = 156;
const SEED_FACTOR_HIGH = 0x5851f42d;
const SEED_FACTOR_LOW = 0x4c957f2d;
const TWIST_HIGH = 0xb5026f5a;
const TWIST_LOW = 0xa96619e9;
const LARGEST_BELOW_ONE = 1 - 2 ** -53;

/** 64-bit words as two halves: 32-bit integers are what engines calculate with fast, BigInt is far from it. */
interface Words {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** Seed: an integer in 0..2^53 - 1; throws RangeError for other numbers. */
export function createMersenneTwister(seed: number): TwisterRandom {
  const state = seedState(seed);
  const { high, low } = emptyWords();
  let position = WORDS;
  const advance = (): number => {
    if (position === WORDS) {
      twist(state);
      temper(state, { high, low });
      position = 0;
    }
    position += 1;
    return position - 1;
  };
  const next = (): number => {
    const i = advance();
    const uniform = (high[i]! * TWO_POW_32 + low[i]!) / 2 ** 64;
    return uniform < 1 ? uniform : LARGEST_BELOW_ONE;
  };
  return {
    next,
    nextGaussian: () => drawGaussian(next),
    nextInt(n) {
      const i = advance();
      return multiplyShift(high[i]!, low[i]!, n);
    },
    skip(words) {
      for (let i = 0; i < words; i += 1) advance();
    },
  };
}

function emptyWords(): Words {
  return { high: new Uint32Array(WORDS), low: new Uint32Array(WORDS) };
}

/** x[i] = 6364136223846793005 (x[i-1] XOR x[i-1] >> 62) + i modulo 2^64, from x[0] = seed. */
function seedState(seed: number): Words {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`a seed of the Mersenne twister must be an integer in 0..2^53-1, got ${seed}`);
  const state = emptyWords();
  state.high[0] = Math.floor(seed / TWO_POW_32);
  state.low[0] = seed % TWO_POW_32;
  for (let i = 1; i < WORDS; i += 1) {
    const high = state.high[i - 1]!;
    const low = (state.low[i - 1]! ^ (high >>> 30)) >>> 0;
    const sum = (Math.imul(low, SEED_FACTOR_LOW) >>> 0) + i;
    state.low[i] = sum;
    state.high[i] =
      multiplyHigh(low, SEED_FACTOR_LOW) +
      Math.imul(low, SEED_FACTOR_HIGH) +
      Math.imul(high, SEED_FACTOR_LOW) +
      (sum >= TWO_POW_32 ? 1 : 0);
  }
  return state;
}

/** The next 312 words of the recurrence, in place. */
function twist({ high, low }: Words): void {
  let following = 1;
  let other = MIDDLE;
  for (let i = 0; i < WORDS; i += 1) {
    const joinedHigh = high[i]!;
    const joinedLow = (low[i]! & 0x80000000) | (low[following]! & 0x7fffffff);
    const odd = -(joinedLow & 1);
    high[i] = high[other]! ^ (joinedHigh >>> 1) ^ (odd & TWIST_HIGH);
    low[i] = low[other]! ^ ((joinedHigh << 31) | (joinedLow >>> 1)) ^ (odd & TWIST_LOW);
    following = following + 1 === WORDS ? 0 : following + 1;
    other = other + 1 === WORDS ? 0 : other + 1;
  }
}

/** The words to hand out: each state word with its bits mixed by four shifts (29 right, 17 left, 37 left, 43 right). */
function temper(state: Words, output: Words): void {
  for (let i = 0; i < WORDS; i += 1) {
    let high = state.high[i]!;
    let low = state.low[i]!;
    low ^= ((high << 3) | (low >>> 29)) & 0x55555555;
    high ^= (high >>> 29) & 0x55555555;
    high ^= ((high << 17) | (low >>> 15)) & 0x71d67fff;
    low ^= (low << 17) & 0xeda60000;
    high ^= (low << 5) & 0xfff7eee0;
    low ^= high >>> 11;
    output.high[i] = high;
    output.low[i] = low;
  }
}

/**
 * Marsaglia's polar method (SIAM Review 6, 1964). Of the two normals of a try only the second is used: the reference makes
 * a new distribution for each component, so the other one is never asked for.
 */
function drawGaussian(next: () => number): number {
  let v: number;
  let squared: number;
  do {
    const u = 2 * next() - 1;
    v = 2 * next() - 1;
    squared = u * u + v * v;
  } while (squared > 1 || squared === 0);
  return v * Math.sqrt((-2 * naturalLog(squared)) / squared);
}

/** Whole part of (high 2^32 + low) n / 2^64. */
function multiplyShift(high: number, low: number, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n >= TWO_POW_32)
    throw new RangeError(`nextInt needs an integer in 1..2^32-1, got ${n}`);
  const carried = multiplyHigh(low, n) + (Math.imul(high, n) >>> 0);
  return multiplyHigh(high, n) + (carried >= TWO_POW_32 ? 1 : 0);
}

/** Upper 32 bits of the product of two unsigned 32-bit integers, by 16-bit halves: a double has too few digits for all of it. */
function multiplyHigh(a: number, b: number): number {
  const a1 = a >>> 16;
  const a0 = a & 0xffff;
  const b1 = b >>> 16;
  const b0 = b & 0xffff;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const upper = a0 * b1 + (middle & 0xffff);
  return a1 * b1 + (middle >>> 16) + (upper >>> 16);
}
