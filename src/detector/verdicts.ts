/** What operators decided about the short entities of a table, one VERDICT each. Length entityCount. */
export type Verdicts = Int8Array;

export const VERDICT = { none: -1, benign: 0, attack: 1 } as const;
