/**
 * Chance that an attack scores above a harmless row, a tie counting one half: the area under the ROC curve (Mann-Whitney
 * U over the number of pairs). 0.5 where either side is empty.
 */
export function separation(harmless: Float64Array, attacks: Float64Array): number {
  if (harmless.length === 0 || attacks.length === 0) return 0.5;
  const below = Float64Array.from(harmless).sort();
  const above = Float64Array.from(attacks).sort();
  let wins = 0;
  let less = 0;
  let notMore = 0;
  for (const score of above) {
    while (less < below.length && below[less]! < score) less += 1;
    while (notMore < below.length && below[notMore]! <= score) notMore += 1;
    wins += (less + notMore) / 2;
  }
  return wins / (harmless.length * attacks.length);
}
