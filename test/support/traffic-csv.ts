import { writeFileSync } from 'node:fs';
import { SYNTHETIC_INTERNAL_NETWORKS } from '../../src/evaluation/synthetic-site.ts';
import { generateSyntheticTraffic } from '../../src/evaluation/synthetic-traffic.ts';

const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets';

/** Settings under which the made-up office network is the inside. */
export const OFFICE_SETTINGS = { INTERNAL_NETWORKS: SYNTHETIC_INTERNAL_NETWORKS.join(',') };

/** A day of a small made-up office network without attackers: enough to train on in a few seconds. */
export function writeOfficeDayCsv(path: string, endMs = Date.now()): void {
  const lines = [HEADER];
  const day = { startMs: endMs - 86_400_000, endMs, seed: 5, campaigns: [] };
  const size = { lanHostCount: 12, externalClientCount: 30, noiseSourceCount: 30 };
  for (const record of generateSyntheticTraffic({ ...day, ...size })) {
    const { timestampMs, sourceIp, sourcePort, destinationIp, destinationPort } = record;
    const { protocol, action, bytes, packets } = record;
    const fields = [sourceIp, sourcePort, destinationIp, destinationPort, protocol, action, bytes, packets];
    lines.push(`${new Date(timestampMs).toISOString()},${fields.map((field) => field ?? '').join(',')}`);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}
