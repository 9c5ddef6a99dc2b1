import type { BaselineExclusions } from '../detector/trained-model.ts';

/** What the model did not learn from and why: `26529 left out (24012 in which nothing completed, …)`. */
export function exclusionsText(excluded: number, reasons: BaselineExclusions): string {
  const told = [
    [reasons.nothingCompleted, 'in which nothing completed'],
    [reasons.attackSignatures, 'with an attack signature'],
    [reasons.knownBadSources, 'of known bad sources'],
    [reasons.attackLike, 'much like injected attacks'],
    [reasons.sampledAway, 'more of the same'],
  ].flatMap(([count, why]) => (count === 0 ? [] : [`${String(count)} ${String(why)}`]));
  return told.length === 0 ? 'none left out' : `${excluded} left out (${told.join(', ')})`;
}
