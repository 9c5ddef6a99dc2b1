const LEAST_LENGTH = 6;
const MOST_EDITS = 2;

/**
 * A sentence for every variable that looks like a misspelt option (`CONFIDENCE_HIHG`, `AUTOBLOCK`): a setting that
 * silently does nothing is worse than one that is refused. Names shorter than 6 are too near to too much.
 */
export function nearMissWarnings(names: readonly string[], known: readonly string[]): string[] {
  const knownNames = new Set(known);
  return names
    .filter((name) => !knownNames.has(name))
    .flatMap((name) => {
      const meant = nearestName(name.toUpperCase(), known);
      return meant === null ? [] : [`${name} is not a setting and has no effect; did you mean ${meant}?`];
    });
}

function nearestName(name: string, known: readonly string[]): string | null {
  const near = known
    .filter((candidate) => candidate.length >= LEAST_LENGTH)
    .filter((candidate) => Math.abs(candidate.length - name.length) <= MOST_EDITS)
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .filter(({ edits }) => edits <= MOST_EDITS)
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate ?? null;
}

/** Levenshtein distance: least number of single-character insertions, deletions and substitutions. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
