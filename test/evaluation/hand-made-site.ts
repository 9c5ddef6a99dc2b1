import { createSiteAccumulator, type LabelledSite } from '../../src/evaluation/labelled-site.ts';
import { type Judged, type Trial } from '../../src/evaluation/site-evaluation.ts';
import type { LogRecord } from '../../src/features/log-record.ts';

export const MINUTE_MS = 60_000;

/** An answered connection to a web server. */
export function webVisit(sourceIp: string, timestampMs: number): LogRecord {
  return {
    timestampMs,
    sourceIp,
    sourcePort: 50_000,
    destinationIp: '192.0.2.1',
    destinationPort: 80,
    protocol: 'tcp',
    action: 'accept',
    bytes: 500,
    packets: 5,
  };
}

/** One window of one source with one flow in it. */
export interface Visit {
  readonly sourceIp: string;
  /** Window, counted in minutes from the epoch. */
  readonly minute: number;
  readonly isAttack: boolean;
}

/** A site of 1-minute windows, an entity for each visit, in the order given. */
export function siteOfVisits(visits: readonly Visit[]): LabelledSite {
  const accumulator = createSiteAccumulator(MINUTE_MS);
  for (const { sourceIp, minute, isAttack } of visits) {
    const record = webVisit(sourceIp, minute * MINUTE_MS);
    accumulator.add({ record, label: isAttack ? 1 : 0, attack: isAttack ? 'probe' : null });
  }
  return accumulator.finish('hand-made');
}

/** Sources with so many windows each; attackers in 198.51.100.0/24, the others in 10.0.0.0/24. */
export function siteOf({
  benign,
  attackers,
}: {
  readonly benign: readonly number[];
  readonly attackers: readonly number[];
}): LabelledSite {
  const visitsOf = (network: string, windows: readonly number[], isAttack: boolean): Visit[] =>
    windows.flatMap((count, host) =>
      Array.from({ length: count }, (_, minute) => ({
        sourceIp: `${network}.${host + 1}`,
        minute,
        isAttack,
      })),
    );
  return siteOfVisits([...visitsOf('10.0.0', benign, false), ...visitsOf('198.51.100', attackers, true)]);
}

/** What a detector says of some entities: suspicion, and the tier where it is not low. */
export function judged(said: readonly (readonly [suspicion: number, tier?: 'medium' | 'high'])[]): Judged {
  return {
    suspicion: Float64Array.from(said, ([suspicion]) => suspicion),
    medium: Uint8Array.from(said, ([, tier]) => Number(tier !== undefined)),
    high: Uint8Array.from(said, ([, tier]) => Number(tier === 'high')),
  };
}

/** A trial in which the detectors said so; one that is not given said nothing of anything. */
export function trialOf({ labels, hybrid, legacy, ...rest }: Pick<Trial, 'labels'> & Partial<Trial>): Trial {
  const silent = judged(Array.from(labels, () => [0] as const));
  return {
    seed: 1,
    labels,
    attacks: Array.from(labels, (label) => (label === 1 ? 'probe' : null)),
    hybrid: hybrid ?? silent,
    legacy: legacy ?? silent,
    trainedOn: 100,
    refused: null,
    ...rest,
  };
}
