import { writeFileSync } from 'node:fs';
import type { LabelledFlow } from '../../src/evaluation/labelled-site.ts';
import { generateAttacks } from '../../src/evaluation/self-test-attacks.ts';
import { generateNormalSamples } from '../../src/evaluation/self-test-traffic.ts';

export const LABELLED_WINDOW_MS = 300_000;
const ATTACK_TRAITS = { hasVolumes: true, hasDrops: true };

/** A made-up network within one window: so many harmless sources inside and outside, and so many attackers outside. */
export function labelledFlows({
  normal,
  attacks,
  seed = 1,
}: {
  readonly normal: number;
  readonly attacks: number;
  readonly seed?: number;
}): LabelledFlow[] {
  const flows: LabelledFlow[] = [];
  for (const { records } of generateNormalSamples({ count: normal, windowMs: LABELLED_WINDOW_MS, seed }))
    for (const record of records) flows.push({ record, label: 0, attack: null });
  const plan = {
    count: attacks,
    windowMs: LABELLED_WINDOW_MS,
    seed,
    traits: ATTACK_TRAITS,
    group: 'external',
  } as const;
  for (const { attack, records } of generateAttacks(plan))
    for (const record of records) flows.push({ record, label: 1, attack: attack.type });
  return flows.sort((left, right) => left.record.timestampMs - right.record.timestampMs);
}

const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets,label,attack';

export function writeLabelledCsv(path: string, flows: readonly LabelledFlow[]): string {
  const lines = flows.map(({ record, label, attack }) => {
    const { timestampMs, sourceIp, sourcePort, destinationIp, destinationPort } = record;
    const { protocol, action, bytes, packets } = record;
    const at = new Date(timestampMs).toISOString();
    const fields = [
      at,
      sourceIp,
      sourcePort,
      destinationIp,
      destinationPort,
      protocol,
      action,
      bytes,
      packets,
    ];
    return [...fields, label, attack].map((field) => field ?? '').join(',');
  });
  writeFileSync(path, `${[HEADER, ...lines].join('\n')}\n`);
  return path;
}
