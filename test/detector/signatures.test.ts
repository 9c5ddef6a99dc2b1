import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/detector/evidence-row.ts';
import type { SiteTypical } from '../../src/detector/signature-rule.ts';
import { SIGNATURE_RULES } from '../../src/detector/signature-rules.ts';
import { matchSignature, type SignatureHit } from '../../src/detector/signatures.ts';
import type { SourceGroup } from '../../src/detector/trained-model.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, evidence, flows, fold, refused, WINDOW_MS } from './traffic.ts';

const nothingTypical: SiteTypical = { high: () => 0, highest: () => 0 };

function match(
  records: LogRecord[],
  { group = 'external', typical = null }: { group?: SourceGroup; typical?: SiteTypical | null } = {},
): SignatureHit | null {
  const table = fold(records);
  expect(table.entityCount).toBe(1);
  return matchSignature({ row: evidenceOf(table, 0), group, windowMs: WINDOW_MS, typical });
}

describe('attack signatures', () => {
  it.each<[string, LogRecord[], string, SourceGroup]>([
    [
      'a fast port scan',
      flows(200, (i) => ({ destinationPort: 1 + i, ...refused }), { toMs: 30_000 }),
      'port_scan',
      'external',
    ],
    ['a slow scan', flows(13, (i) => ({ destinationPort: 1000 + i, ...dropped })), 'slow_scan', 'external'],
    [
      'a sweep for telnet',
      flows(80, (i) => ({ destinationIp: `198.51.100.${i}`, destinationPort: 23, ...refused }), {
        toMs: 60_000,
      }),
      'horizontal_scan',
      'external',
    ],
    [
      'SSH guessing with completed logins',
      flows(60, () => ({ destinationPort: 22, packets: 22, bytes: 4000 })),
      'brute_force',
      'external',
    ],
    [
      'telnet knocking without packet counts',
      flows(28, () => ({ destinationPort: 23, packets: null, bytes: null })),
      'brute_force',
      'external',
    ],
    ['an HTTP flood', flows(1500, () => ({}), { toMs: 59_000 }), 'flood', 'external'],
    [
      'a bot calling a control server that is gone',
      flows(30, () => ({ destinationIp: '203.0.113.50', destinationPort: 50, packets: 1, bytes: 60 })),
      'beaconing',
      'internal',
    ],
    [
      'more bytes than the network ever moved',
      flows(4, () => ({ destinationIp: '203.0.113.99', bytes: 3e9, packets: 3e6 })),
      'exfiltration',
      'internal',
    ],
  ])('recognise %s', (_name, records, type, group) => {
    const hit = match(records, { group, typical: nothingTypical });
    expect(hit?.type).toBe(type);
    expect(hit?.risk).toBeGreaterThanOrEqual(60);
    expect(hit?.risk).toBeLessThanOrEqual(90);
    expect(hit?.reason.text).toMatch(/^[\x20-\x7e]+$/);
  });

  it.each<[string, LogRecord[], SourceGroup]>([
    [
      'a DNS resolver',
      flows(600, (i) => ({
        destinationIp: `192.0.${i % 100}.53`,
        destinationPort: 53,
        protocol: 'udp',
        packets: 2,
        bytes: 200,
      })),
      'internal',
    ],
    [
      'an office behind one address',
      flows(450, (i) => ({ destinationPort: i % 10 === 0 ? 80 : 443 })),
      'external',
    ],
    [
      'a backup server',
      flows(4, () => ({ destinationIp: '10.0.0.9', destinationPort: 445, bytes: 4e9, packets: 3e6 })),
      'internal',
    ],
    [
      'a busy PC: 281 flows to 15 destinations, 269 completed',
      flows(281, (i) => ({ destinationIp: `203.0.113.${i % 15}`, ...(i % 24 === 0 ? refused : {}) })),
      'internal',
    ],
    [
      'monitoring that is answered',
      flows(240, (i) => ({
        destinationIp: `10.0.0.${i % 60}`,
        destinationPort: 161,
        protocol: 'udp',
        packets: 2,
        bytes: 180,
      })),
      'internal',
    ],
    [
      'calls of a telephone provider',
      flows(100, (i) => ({
        destinationPort: 10_000 + 2 * i,
        protocol: 'udp',
        packets: 3000,
        bytes: 600_000,
      })),
      'external',
    ],
    ['passive FTP', flows(40, (i) => ({ destinationPort: 50_000 + i })), 'external'],
    [
      'peer-to-peer',
      flows(60, (i) => ({ destinationIp: `203.0.113.${i}`, destinationPort: 20_000 + i, protocol: 'udp' })),
      'internal',
    ],
    ['an administrator', flows(4, () => ({ destinationPort: 22, packets: 900, bytes: 90_000 })), 'internal'],
    ['a client retrying a dead server', flows(8, () => ({ destinationPort: 8443, ...refused })), 'internal'],
    [
      'NTP at regular intervals',
      flows(20, () => ({ destinationPort: 123, protocol: 'udp', packets: 2, bytes: 152 })),
      'internal',
    ],
  ])('leave %s alone', (_name, records, group) => {
    // The backup server has been seen at work in training; the others need no such knowledge.
    const typical: SiteTypical = {
      high: () => 0,
      highest: (column) => (column === 'bytes_total' ? 15e9 : 0),
    };
    expect(match(records, { group })).toBeNull();
    expect(match(records, { group, typical })).toBeNull();
  });

  it('ask for more than the site usually shows', () => {
    const records = flows(30, (i) => ({ destinationPort: 1 + i, ...refused }), { toMs: 30_000 });
    const usual = (ports: number): SiteTypical => ({
      high: (column) => (column === 'distinct_destination_ports' ? ports : 0),
      highest: () => 0,
    });
    expect(match(records, { typical: usual(5) })?.reason.text).toBe(
      '30 destination ports in 5 min; typical for this network: up to 5',
    );
    expect(match(records, { typical: usual(25) })).toBeNull();
  });

  it('grow from 60 at the floor to 90 with the logarithm of the count', () => {
    const logins = (count: number, completed = true) =>
      matchSignature({
        row: evidence({
          flows: count,
          login_flows: count,
          established_login_flows: completed ? count : 0,
          distinct_login_destinations: 1,
        }),
        group: 'external',
        windowMs: WINDOW_MS,
        typical: null,
      });
    expect(logins(9)).toBeNull();
    expect(logins(10)?.risk).toBe(60);
    // Halfway between 10 and 60 on a logarithmic scale.
    expect(logins(Math.sqrt(600))?.risk).toBeCloseTo(75, 9);
    expect(logins(60)?.risk).toBe(90);
    expect(logins(10_000)?.risk).toBe(90);
    // Attempts that come to nothing are nobody's work: fewer are enough.
    expect(logins(25, false)?.risk).toBe(90);
  });

  it('ask for a flow every other minute of a longer window, and take no notice of work or of data connections', () => {
    const logins = (count: number, changes: Parameters<typeof evidence>[0] = {}, windowMs = 3_600_000) =>
      matchSignature({
        row: evidence({
          flows: count,
          login_flows: count,
          established_login_flows: count,
          distinct_login_destinations: 1,
          ...changes,
        }),
        group: 'external',
        windowMs,
        typical: null,
      });
    // 60 min: 30 logins at the floor, 180 at full strength.
    expect(logins(29)).toBeNull();
    expect(logins(30)?.risk).toBe(60);
    expect(logins(180)?.risk).toBe(90);
    // An administrator works in long connections; passive FTP opens as many for data.
    expect(logins(180, { long_flows: 90 })).toBeNull();
    expect(logins(180, { long_flows: 89 })?.type).toBe('brute_force');
    expect(logins(180, { flows: 301 })).toBeNull();
    expect(logins(180, { flows: 300 })?.type).toBe('brute_force');
  });

  it('take automation that works on many machines for no sweep', () => {
    const sweep = (packets: number) =>
      match(
        flows(100, (i) => ({
          destinationIp: `198.51.100.${i}`,
          destinationPort: 22,
          packets,
          bytes: packets * 200,
        })),
      );
    expect(sweep(20)?.type).toBe('horizontal_scan');
    expect(sweep(200)).toBeNull();
  });

  it('blame outside sources for neither beacons nor exfiltration', () => {
    const calls = flows(30, () => ({ destinationPort: 50, packets: 1, bytes: 60 }));
    expect(match(calls, { group: 'external' })).toBeNull();
    const download = flows(4, () => ({ bytes: 3e9, packets: 3e6 }));
    expect(match(download, { group: 'external', typical: nothingTypical })).toBeNull();
  });

  it('are one per type, each with its meaning', () => {
    const types = SIGNATURE_RULES.map((rule) => rule.type);
    expect(new Set(types).size).toBe(types.length);
    expect(SIGNATURE_RULES.every((rule) => rule.meaning.length > 10)).toBe(true);
  });
});
