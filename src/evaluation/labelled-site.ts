import type { LogRecord } from '../features/log-record.ts';
import { createTrafficAccumulator, type TrafficWindows } from '../features/traffic-windows.ts';
import { createTruthCollector, type EntityTruth } from './entity-truth.ts';

/** Labelled traffic of one network; what is judged are the short windows. */
export interface LabelledSite {
  readonly name: string;
  readonly traffic: TrafficWindows;
  /** Of the short entities. */
  readonly truth: EntityTruth;
}

export interface LabelledFlow {
  readonly record: LogRecord;
  /** 1 = attack, 0 = benign. */
  readonly label: 0 | 1;
  /** What kind of attack; null where the file does not say. */
  readonly attack: string | null;
}

/** Name of attacks that have none. */
const NAMELESS_ATTACK = 'attack';

/** Folds labelled flows; they should come in time order per source (see createWindowAccumulator). */
export function createSiteAccumulator(windowMs: number): {
  readonly add: (flow: LabelledFlow) => void;
  readonly finish: (name: string) => LabelledSite;
} {
  const accumulator = createTrafficAccumulator({ windowMs });
  const collector = createTruthCollector(windowMs);
  return {
    add({ record, label, attack }) {
      accumulator.add(record);
      if (label === 1) collector.note(record, attack ?? NAMELESS_ATTACK);
    },
    finish(name) {
      const traffic = accumulator.finish();
      return { name, traffic, truth: collector.labelsOf(traffic.short) };
    },
  };
}
