/** One thing wrong with the configuration, as the operator reads it. */
export interface ConfigProblem {
  /** Environment variable, with a place inside the routers file where it is about that. */
  readonly key: string;
  /** What was found, secrets masked. */
  readonly got: string;
  readonly wanted: string;
}

/** `KEY: got X, wanted Y`, one problem a line. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const lines = problems.map(({ key, got, wanted }) => `  ${key}: got ${got}, wanted ${wanted}`);
  return [`the configuration has ${count}:`, ...lines].join('\n');
}
