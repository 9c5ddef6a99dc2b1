import type { FeatureTable } from '../features/feature-table.ts';
import type { LogRecord } from '../features/log-record.ts';

/** What the labels say about each entity (source IP, window) of a table, in the order of the table. */
export interface EntityTruth {
  /** 1 where at least half of the entity's flows are attacks, else 0. Length entityCount. */
  readonly labels: Uint8Array;
  /** The most frequent attack of an entity labelled 1 (the first by name on a tie), null for the others. */
  readonly attacks: readonly (string | null)[];
}

export interface TruthCollector {
  /** To be told every attack flow that is folded into the table; benign ones follow from the table's counts. */
  note(record: Pick<LogRecord, 'sourceIp' | 'timestampMs'>, attack: string): void;
  labelsOf(table: FeatureTable): EntityTruth;
}

/** Key of an entity within one table. */
export function entityKey(sourceIp: string, windowStartMs: number): string {
  return `${sourceIp} ${windowStartMs}`;
}

export function createTruthCollector(windowMs: number): TruthCollector {
  const flowsOf = new Map<string, Map<string, number>>();
  return {
    note({ sourceIp, timestampMs }, attack) {
      const key = entityKey(sourceIp, Math.floor(timestampMs / windowMs) * windowMs);
      const counts = flowsOf.get(key) ?? new Map<string, number>();
      counts.set(attack, (counts.get(attack) ?? 0) + 1);
      flowsOf.set(key, counts);
    },
    labelsOf(table) {
      const attacks = table.sourceIps.map((sourceIp, entity) => {
        const counts = flowsOf.get(entityKey(sourceIp, table.windowStartMs[entity]!));
        return counts === undefined ? null : majorityAttack(counts, table.logCount[entity]!);
      });
      return { labels: Uint8Array.from(attacks, (attack) => (attack === null ? 0 : 1)), attacks };
    },
  };
}

function majorityAttack(counts: ReadonlyMap<string, number>, flows: number): string | null {
  let attackFlows = 0;
  let top = '';
  for (const [attack, count] of counts) {
    attackFlows += count;
    const most = counts.get(top) ?? 0;
    if (count > most || (count === most && attack < top)) top = attack;
  }
  return attackFlows * 2 >= flows ? top : null;
}
