import type { EvidenceColumn } from '../features/evidence.ts';
import type { AnomalyType } from './detection.ts';
import type { EvidenceRow } from './evidence-row.ts';
import type { SourceGroup } from './trained-model.ts';

/** What is usual at this site, where a model knows it. */
export interface SiteTypical {
  /** 99th percentile among the group's training entities. */
  readonly high: (column: EvidenceColumn) => number;
  /** The most any of the group's training entities showed, cleaned or not. */
  readonly highest: (column: EvidenceColumn) => number;
}

export interface SignatureContext {
  readonly row: EvidenceRow;
  readonly group: SourceGroup;
  readonly windowMs: number;
  /** null without a model: the absolute floors alone decide. */
  readonly typical: SiteTypical | null;
}

/** What a rule measured once its conditions on the shape of the traffic hold. */
export interface Measurement {
  readonly column: EvidenceColumn;
  readonly observed: number;
  /** Strength 0 at `floor`, 1 at `full` and above, even over orders of magnitude between. */
  readonly floor: number;
  readonly full: number;
  /** "38 destination ports in 5 min": the observation in words, ASCII. */
  readonly text: string;
  /** What is typical in words; null without a model. */
  readonly typical: number | null;
}

export interface SignatureRule {
  readonly type: AnomalyType;
  /** What it recognises, and which harmless traffic it must not. */
  readonly meaning: string;
  /** null when the traffic does not have the shape. */
  readonly measure: (context: SignatureContext) => Measurement | null;
}
