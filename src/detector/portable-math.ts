/**
 * Logarithm, powers and the logistic function from +, -, * and / alone. IEEE 754 fixes those four to the last bit, while
 * ECMAScript leaves `Math.log`, `Math.exp`, `Math.cos` and `Math.pow` to the engine. A model trained on one machine must give the same
 * scores on another, and a seed the same forest under every Node version.
 */

const LN2 = 0.693147180559945309417232;
const SQRT_HALF = 0.70710678118654752;
const MANTISSA_BITS = 52;
const EXPONENT_BIAS = 1023;

/** Highest odd power of the atanh series: 0.1716^25 / 25 is below 2^-64, so more terms change nothing. */
const LOG_SERIES_LAST = 25;
/** (ln(2) / 2)^18 / 18! is below 2^-80. */
const EXP_SERIES_LAST = 18;

/** ln 2 in two parts, the first with 20 zero bits at its end, so that a whole multiple of it is exact (fdlibm e_exp.c). */
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
/** 1 / n! for n = 0..13; (ln(2) / 2)^14 / 14! is below 2^-57. */
const INVERSE_FACTORIALS = inverseFactorials(13);
/** 2^-1022 ... 2^1023: a lookup, since the boosting takes millions of exponentials. */
const POWERS_OF_TWO = Float64Array.from({ length: 2046 }, (_, i) => pow2(i - 1022));

/**
 * Natural logarithm of a positive, finite, normal number, within 2 units in the last place of the larger of
 * result and ln 2. Throws RangeError for anything else.
 */
export function naturalLog(x: number): number {
  if (!(x >= 2 ** -1022 && x < Infinity))
    throw new RangeError(`naturalLog needs a positive finite number, got ${x}`);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const top = bits.getUint16(0);
  let exponent = (top >>> 4) - EXPONENT_BIAS + 1;
  bits.setUint16(0, (top & 0x000f) | ((EXPONENT_BIAS - 1) << 4));
  let mantissa = bits.getFloat64(0);
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  // ln m = 2 atanh z with z = (m - 1) / (m + 1); m in [0.707, 1.414] keeps |z| under 0.1716.
  const z = (mantissa - 1) / (mantissa + 1);
  const zz = z * z;
  let series = 0;
  for (let power = LOG_SERIES_LAST; power >= 1; power -= 2) series = series * zz + 1 / power;
  return exponent * LN2 + 2 * z * series;
}

/** 2^x for x in [-1022, 1023], within 2 units in the last place. Throws RangeError outside. */
export function exp2(x: number): number {
  if (!(x >= -1022 && x <= 1023)) throw new RangeError(`exp2 needs a number in -1022..1023, got ${x}`);
  const whole = Math.round(x);
  const rest = (x - whole) * LN2;
  let series = 1;
  for (let term = EXP_SERIES_LAST; term >= 1; term -= 1) series = 1 + (series * rest) / term;
  return whole < -1021 ? (series * pow2(whole + 1)) / 2 : series * pow2(whole);
}

/** e^x for x in [-708, 709], within 2 units in the last place. Throws RangeError outside. */
export function naturalExp(x: number): number {
  if (!(x >= -708 && x <= 709)) throw new RangeError(`naturalExp needs a number in -708..709, got ${x}`);
  const whole = Math.round(x / LN2);
  const rest = x - whole * LN2_HIGH - whole * LN2_LOW;
  let series = 0;
  for (let n = INVERSE_FACTORIALS.length - 1; n >= 0; n -= 1) series = series * rest + INVERSE_FACTORIALS[n]!;
  return series * POWERS_OF_TWO[whole + 1022]!;
}

/** 1 / (1 + e^-x), the probability of log-odds x: in [0, 1], rising with x. Throws RangeError for NaN. */
export function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + naturalExp(-Math.min(x, 708)));
  const odds = naturalExp(Math.max(x, -708));
  return odds / (1 + odds);
}

function inverseFactorials(last: number): Float64Array {
  const inverses = new Float64Array(last + 1);
  let factorial = 1;
  for (let n = 0; n <= last; n += 1) {
    if (n > 0) factorial *= n;
    inverses[n] = 1 / factorial;
  }
  return inverses;
}

/** Exact power of two by writing its exponent bits; integer exponent in -1022..1023. */
function pow2(exponent: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, (exponent + EXPONENT_BIAS) << (MANTISSA_BITS - 32));
  return bits.getFloat64(0);
}
