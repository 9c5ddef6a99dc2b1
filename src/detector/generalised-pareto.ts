/**
 * The generalised Pareto distribution: what the excesses over a high threshold follow, whatever the scores themselves
 * follow (Pickands 1975; Coles, An Introduction to Statistical Modeling of Extreme Values, ch. 4).
 */
export interface GeneralisedPareto {
  /** 0 = exponential tail, above = heavier, below = lighter and ending at -scale / shape. */
  readonly shape: number;
  /** > 0, in the unit of the excesses. */
  readonly scale: number;
}

/** Grid points besides sqrt(n), and the weight of the grid's prior: as in Vehtari et al. 2024 and in the paper. */
const GRID_POINTS = 30;
const GRID_PRIOR = 3;

/** Halvings of the interval the scale lies in: more than a double can tell apart. */
const BISECTIONS = 60;

/**
 * Shape and scale of excesses over a threshold, after Zhang and Stephens, "A new and efficient estimation method for the
 * generalized Pareto distribution", Technometrics 51(3), 2009 (their k is -shape): the mean of theta = -shape / scale
 * under its profile likelihood on a grid. Unlike maximum likelihood it has a value for every sample, and nearly its
 * variance from n = 10 on, which is why Pareto-smoothed importance sampling uses it (Vehtari, Simpson, Gelman, Yao,
 * Gabry, JMLR 25(72), 2024).
 *
 * @param excesses all > 0 and finite, in any order, at least one; from less than five little is learnt
 * @throws RangeError on no excesses, or one that is not above 0 and finite
 */
export function fitGeneralisedPareto(excesses: Float64Array): GeneralisedPareto {
  checkExcesses(excesses);
  const sorted = Float64Array.from(excesses).sort();
  const thetas = thetaGrid(sorted);
  const likelihoods = thetas.map((theta) => profileLogLikelihood(sorted, theta));
  const highest = likelihoods.reduce((left, right) => Math.max(left, right));
  let weights = 0;
  let weighted = 0;
  likelihoods.forEach((likelihood, index) => {
    const weight = Math.exp(likelihood - highest);
    weights += weight;
    weighted += weight * thetas[index]!;
  });
  const theta = weighted / weights;
  const shape = shapeOf(sorted, theta);
  return { shape, scale: theta === 0 ? meanOf(sorted) : -shape / theta };
}

/**
 * The scale that makes the excesses likeliest where the shape is given: the root of
 * mean((1 + shape) x / (scale + shape x)) = 1, whose left side falls as the scale rises. For shape 0 the mean excess.
 * The tail it gives never ends before the largest excess.
 *
 * @param shape > -1
 */
export function scaleOfShape(excesses: Float64Array, shape: number): number {
  checkExcesses(excesses);
  if (!(shape > -1 && shape < Infinity))
    throw new RangeError(`a shape above -1 has a likeliest scale, got ${shape}`);
  if (shape === 0) return meanOf(excesses);
  const largest = excesses.reduce((left, right) => Math.max(left, right));
  // Below `low` the tail would end before the largest excess; from `high` on every term is at most 1.
  let low = Math.max(0, -shape * largest);
  let high = largest;
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = low + (high - low) / 2;
    let sum = 0;
    for (const excess of excesses) sum += ((1 + shape) * excess) / (middle + shape * excess);
    if (sum > excesses.length) low = middle;
    else high = middle;
  }
  return high;
}

/** Share of excesses above `excess` (>= 0), in [0, 1]: exactly 0 from the end of a tail with negative shape on. */
export function survivalOf({ shape, scale }: GeneralisedPareto, excess: number): number {
  const relative = excess / scale;
  if (shape === 0) return Math.exp(-relative);
  if (1 + shape * relative <= 0) return 0;
  return Math.exp(-Math.log1p(shape * relative) / shape);
}

/** Values of theta below 1 / largest, densest there, spread by the first quartile: section 3 of the paper. */
function thetaGrid(sorted: Float64Array): Float64Array {
  const count = GRID_POINTS + Math.floor(Math.sqrt(sorted.length));
  const largest = sorted.at(-1)!;
  const quartile = sorted[Math.max(0, Math.floor(sorted.length / 4 + 0.5) - 1)]!;
  // Excesses of rounding errors beside real ones: their reciprocal would overflow.
  const spread = GRID_PRIOR * Math.max(quartile, Number.EPSILON * largest);
  return Float64Array.from(
    { length: count },
    (_, index) => 1 / largest + (1 - Math.sqrt(count / (index + 0.5))) / spread,
  );
}

/** Log-likelihood of theta at its best shape: n (log(-theta / shape) - shape - 1), continued through theta = 0. */
function profileLogLikelihood(sorted: Float64Array, theta: number): number {
  const shape = shapeOf(sorted, theta);
  const rate = theta === 0 ? 1 / meanOf(sorted) : -theta / shape;
  return sorted.length * (Math.log(rate) - shape - 1);
}

/** Likeliest shape where shape / scale = -theta. */
function shapeOf(excesses: Float64Array, theta: number): number {
  let sum = 0;
  for (const excess of excesses) sum += Math.log1p(-theta * excess);
  return sum / excesses.length;
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function checkExcesses(excesses: Float64Array): void {
  if (excesses.length === 0) throw new RangeError('a tail needs at least one excess to be fitted to');
  for (const excess of excesses)
    if (!(excess > 0 && excess < Infinity))
      throw new RangeError(`an excess must be above 0 and finite, got ${excess}`);
}
