import { describe, expect, it } from 'vitest';
import type { SyntheticCampaign } from '../../src/evaluation/synthetic-attacks.ts';
import { SYNTHETIC_INTERNAL_NETWORKS } from '../../src/evaluation/synthetic-site.ts';
import {
  generateSyntheticTraffic,
  listSyntheticSources,
  type SyntheticTrafficOptions,
} from '../../src/evaluation/synthetic-traffic.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { canonicalText, parseAddress } from '../../src/ip/address.ts';
import { networkHolding, networkSet } from '../../src/ip/network-set.ts';

const HOUR_MS = 3_600_000;
const END_MS = Date.UTC(2026, 5, 4, 13, 7, 21);
const WEEK: SyntheticTrafficOptions = { startMs: END_MS - 7 * 24 * HOUR_MS, endMs: END_MS, seed: 1 };
const AFTERNOON: SyntheticTrafficOptions = { startMs: END_MS - 3 * HOUR_MS, endMs: END_MS, seed: 1 };

const week = [...generateSyntheticTraffic(WEEK)];
const sources = listSyntheticSources(WEEK);
const truth = new Map(sources.map((source) => [source.sourceIp, source]));
const bySource = groupBy(week, (record) => record.sourceIp);

function groupBy<K>(records: LogRecord[], key: (record: LogRecord) => K): Map<K, LogRecord[]> {
  const groups = new Map<K, LogRecord[]>();
  for (const record of records) {
    const group = groups.get(key(record));
    if (group === undefined) groups.set(key(record), [record]);
    else group.push(record);
  }
  return groups;
}

function recordsOf(attack: string, recent: boolean): LogRecord[][] {
  return sources
    .filter((source) => source.attack === attack && source.activeFromMs >= END_MS - HOUR_MS === recent)
    .map((source) => bySource.get(source.sourceIp) ?? []);
}

const distinct = (records: LogRecord[], of: (record: LogRecord) => string | number | null): number =>
  new Set(records.map(of)).size;
const share = (records: LogRecord[], test: (record: LogRecord) => boolean): number =>
  records.filter(test).length / records.length;

describe('a week of synthetic traffic', () => {
  it('is in order of time, inside its span and of a size that keeps a demo quick', () => {
    expect(week.every((r, i) => i === 0 || r.timestampMs >= week[i - 1]!.timestampMs)).toBe(true);
    expect(week.every((r) => r.timestampMs >= WEEK.startMs && r.timestampMs < END_MS)).toBe(true);
    expect(week.length).toBeGreaterThan(150_000);
    expect(week.length).toBeLessThan(350_000);
  });

  it('is the same for the same seed and another for another', () => {
    expect([...generateSyntheticTraffic(AFTERNOON)]).toEqual([...generateSyntheticTraffic(AFTERNOON)]);
    const other = [...generateSyntheticTraffic({ ...AFTERNOON, seed: 2 })];
    expect(other).not.toEqual([...generateSyntheticTraffic(AFTERNOON)]);
    const attackers = (seed: number): string[] =>
      listSyntheticSources({ ...WEEK, seed })
        .filter((source) => source.attack !== null)
        .map((source) => source.sourceIp);
    expect(attackers(2)).not.toEqual(attackers(1));
  });

  it('is made while it is read', () => {
    const stream = generateSyntheticTraffic({ ...WEEK, startMs: END_MS - 3000 * 24 * HOUR_MS });
    const first = Array.from({ length: 3 }, () => stream.next().value as LogRecord);
    expect(first.map((record) => typeof record.timestampMs)).toEqual(['number', 'number', 'number']);
    stream.return(undefined);
  });

  it('has a truth with each address once, and no record from an address it does not name', () => {
    expect(truth.size).toBe(sources.length);
    expect([...bySource.keys()].filter((sourceIp) => !truth.has(sourceIp))).toEqual([]);
  });

  it('has every role, each heard of', () => {
    const heard = new Set([...bySource.keys()].map((sourceIp) => truth.get(sourceIp)!.role));
    expect([...heard].sort()).toEqual(
      [
        'attacker',
        'background_noise',
        'backup_server',
        'crawler',
        'dns_resolver',
        'lan_host',
        'mail_relay',
        'monitor',
        'nat_gateway',
        'office_nat',
        'published_server',
        'web_client',
      ].sort(),
    );
  });

  it('holds canonical addresses, valid ports and lower-case words', () => {
    const addresses = new Set(week.flatMap((record) => [record.sourceIp, record.destinationIp]));
    expect([...addresses].filter((address) => canonicalText(address) !== address)).toEqual([]);
    const ports = week.flatMap((record) => [record.sourcePort!, record.destinationPort!]);
    expect(ports.every((port) => Number.isInteger(port) && port > 0 && port <= 65_535)).toBe(true);
    expect(new Set(week.map((r) => `${r.protocol} ${r.action}`))).toEqual(
      new Set(['tcp accept', 'tcp drop', 'udp accept', 'udp drop']),
    );
  });

  it('never mixes address families in one flow', () => {
    expect(week.filter((r) => r.sourceIp.includes(':') !== r.destinationIp.includes(':'))).toEqual([]);
  });

  it('counts packets and bytes of both directions', () => {
    const tcp = week.filter((r) => r.protocol === 'tcp' && r.action === 'accept');
    // Two packets are a SYN and its reset; a completed exchange has four or more.
    expect(tcp.every((r) => r.packets === 2 || r.packets! >= 4)).toBe(true);
    expect(week.filter((r) => r.action === 'drop').every((r) => r.packets === 1)).toBe(true);
    expect(week.every((r) => r.bytes! >= 40 * r.packets!)).toBe(true);
  });

  it('calls nobody harmless an attacker and every attacker by what it does', () => {
    for (const source of sources) expect(source.attack === null).toBe(source.role !== 'attacker');
    const attacks = new Set(sources.map((source) => source.attack));
    expect(attacks).toEqual(
      new Set([null, 'port_scan', 'horizontal_scan', 'brute_force', 'flood', 'slow_scan']),
    );
  });

  it('keeps every attacker within its time and outside the internal networks', () => {
    const internal = networkSet(SYNTHETIC_INTERNAL_NETWORKS);
    for (const attacker of sources.filter((source) => source.attack !== null)) {
      const records = bySource.get(attacker.sourceIp)!;
      expect(records[0]!.timestampMs).toBeGreaterThanOrEqual(attacker.activeFromMs);
      expect(records.at(-1)!.timestampMs).toBeLessThan(attacker.activeToMs);
      expect(networkHolding(internal, parseAddress(attacker.sourceIp)!)).toBeNull();
    }
  });

  it('has IPv6 on both sides', () => {
    const v6 = sources.filter((source) => source.sourceIp.includes(':'));
    expect(v6.some((source) => source.attack !== null && source.activeToMs > END_MS - HOUR_MS)).toBe(true);
    expect(v6.filter((source) => source.attack === null).length).toBeGreaterThan(20);
  });
});

describe('the attackers', () => {
  it('scan hundreds of ports of one server, most refused, the open ones answered', () => {
    for (const records of [...recordsOf('port_scan', true), ...recordsOf('port_scan', false)]) {
      expect(distinct(records, (r) => r.destinationPort)).toBeGreaterThan(400);
      expect(distinct(records, (r) => r.destinationIp)).toBe(1);
      expect(share(records, (r) => r.action === 'accept' && r.packets === 2)).toBeGreaterThan(0.7);
      expect(records.filter((r) => r.packets! >= 4).length).toBeGreaterThan(0);
    }
    expect(recordsOf('port_scan', true)).toHaveLength(2);
  });

  it('try hundreds of SSH logins, every one a completed exchange', () => {
    for (const records of recordsOf('brute_force', true)) {
      expect(records.length).toBeGreaterThan(400);
      expect(records.every((r) => r.destinationPort === 22 && r.packets! >= 4 && r.action === 'accept')).toBe(
        true,
      );
    }
  });

  it('flood with half-open and with completed connections', () => {
    const [mixed, http] = recordsOf('flood', true);
    expect(mixed!.length).toBeGreaterThan(2000);
    expect(new Set(mixed!.map((r) => r.protocol))).toEqual(new Set(['tcp', 'udp']));
    expect(http!.length).toBeGreaterThan(2000);
    expect(http!.every((r) => r.action === 'accept' && r.packets! >= 4)).toBe(true);
  });

  it('scan slowly, one dropped probe every 20 to 25 seconds', () => {
    const [records] = recordsOf('slow_scan', true);
    const gaps = records!.slice(1).map((r, i) => r.timestampMs - records![i]!.timestampMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(25_000);
    expect(share(records!, (r) => r.action === 'drop')).toBe(1);
  });

  it('are also at work earlier in the week', () => {
    const early = sources.filter((source) => source.attack !== null && source.activeToMs < END_MS - HOUR_MS);
    expect(new Set(early.map((source) => source.attack)).size).toBe(5);
  });

  it('can be chosen by the caller, or left out', () => {
    const campaign: SyntheticCampaign = {
      kind: 'http_flood',
      sourceIp: '198.51.100.9',
      startMs: END_MS - HOUR_MS,
      endMs: END_MS - HOUR_MS + 30_000,
    };
    const options = { ...AFTERNOON, campaigns: [campaign] };
    const flood = [...generateSyntheticTraffic(options)].filter((r) => r.sourceIp === campaign.sourceIp);
    expect(flood.length).toBeGreaterThan(200);
    const quiet = listSyntheticSources({ ...AFTERNOON, campaigns: [] });
    expect(quiet.filter((source) => source.attack !== null)).toEqual([]);
  });
});

describe('the harmless loud hosts', () => {
  const recent = (role: string): LogRecord[] =>
    week.filter((r) => r.timestampMs >= END_MS - HOUR_MS && truth.get(r.sourceIp)!.role === role);

  it('are loud in the hour before the end, in which the detector looks', () => {
    expect(recent('dns_resolver').length).toBeGreaterThan(300);
    expect(distinct(recent('dns_resolver'), (r) => r.destinationIp)).toBeGreaterThan(150);
    expect(recent('nat_gateway').length).toBeGreaterThan(200);
    expect(recent('office_nat').length).toBeGreaterThan(200);
    expect(recent('backup_server').reduce((sum, r) => sum + r.bytes!, 0)).toBeGreaterThan(50e6);
  });

  it('include a backup that moves tens of gigabytes every night', () => {
    const backup = week.filter((r) => truth.get(r.sourceIp)!.role === 'backup_server');
    const nights = groupBy(
      backup.filter((r) => r.bytes! > 1e9 / 8),
      (r) => Math.floor((r.timestampMs - END_MS) / (24 * HOUR_MS)),
    );
    expect(nights.size).toBe(7);
    for (const flows of nights.values())
      expect(flows.reduce((sum, r) => sum + r.bytes!, 0)).toBeGreaterThan(10e9);
  });

  it('work by the office clock: busy in the afternoon, quiet at night and at the weekend', () => {
    const lan = week.filter((r) => truth.get(r.sourceIp)!.role === 'lan_host');
    const inHours = (from: number, to: number): number =>
      lan.filter((r) => r.timestampMs >= END_MS - from * HOUR_MS && r.timestampMs < END_MS - to * HOUR_MS)
        .length;
    // The clock ends on Thursday 15:00: 12 hours back is the night, 4 days back the weekend.
    expect(inHours(1, 0)).toBeGreaterThan(4 * inHours(13, 12));
    expect(inHours(1, 0)).toBeGreaterThan(4 * inHours(97, 96));
  });
});

describe('options', () => {
  it('refuse less than an hour', () => {
    expect(() => listSyntheticSources({ ...WEEK, startMs: END_MS - 1000 })).toThrow(RangeError);
  });

  it('set the size of the site', () => {
    const small = listSyntheticSources({
      ...AFTERNOON,
      lanHostCount: 7,
      externalClientCount: 20,
      noiseSourceCount: 3,
    });
    const count = (role: string): number => small.filter((source) => source.role === role).length;
    expect([count('lan_host'), count('web_client'), count('mail_relay'), count('background_noise')]).toEqual([
      7, 15, 2, 3,
    ]);
  });
});
