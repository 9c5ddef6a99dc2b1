import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSyntheticTraffic } from '../../src/evaluation/synthetic-traffic.ts';
import { FLOW_HEADER } from './logins-csv.ts';

const DAY_MS = 86_400_000;

/** A quiet day of a small office without attackers, ending an hour ago, as a flow CSV; returns its path. */
export function writeQuietDayCsv(dir: string, name: string): string {
  const endMs = Date.now() - DAY_MS / 24;
  const traffic = generateSyntheticTraffic({
    startMs: endMs - DAY_MS,
    endMs,
    seed: 7,
    lanHostCount: 12,
    externalClientCount: 40,
    noiseSourceCount: 100,
    campaigns: [],
  });
  const lines = [FLOW_HEADER];
  for (const record of traffic) {
    const { sourceIp, sourcePort, destinationIp, destinationPort, protocol, action, bytes, packets } = record;
    const time = new Date(record.timestampMs).toISOString();
    const fields = [
      time,
      sourceIp,
      sourcePort,
      destinationIp,
      destinationPort,
      protocol,
      action,
      bytes,
      packets,
    ];
    lines.push(fields.map((field) => field ?? '').join(','));
  }
  const path = join(dir, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
