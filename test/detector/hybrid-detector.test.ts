import { describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { isInternal, normalRecords, siteModel, thresholds } from './site.ts';
import { dropped, flow, flows, foldTraffic, refused } from './traffic.ts';

const detector = createHybridDetector({ model: siteModel, thresholds, isInternal });

const guesser = flows(600, () => ({ sourceIp: '192.0.2.66', destinationPort: 22, packets: 22, bytes: 4000 }));
const scanner = flows(
  412,
  (i) => ({
    sourceIp: '192.0.2.67',
    destinationPort: 1 + i,
    ...(i % 40 === 0 ? { packets: 8, bytes: 1400 } : refused),
  }),
  { toMs: 90_000 },
);
const forgeableScanner = flows(412, (i) => ({ sourceIp: '192.0.2.68', destinationPort: 1 + i, ...dropped }), {
  toMs: 90_000,
});
const probe = [flow({ sourceIp: '192.0.2.69', destinationPort: 5060, ...dropped })];

describe('hybrid detector', () => {
  it('tells which model judges', () => {
    expect(detector).toMatchObject({ name: 'hybrid', modelVersion: siteModel.metadata.version });
  });

  it('makes no row for each of a mass of forged sources with one probe, but tells the first five hundred an hour', () => {
    const mass = Array.from({ length: 1200 }, (_, i) =>
      flow({ sourceIp: `203.0.${100 + (i >> 8)}.${i & 255}`, destinationPort: 23, ...dropped }),
    );
    const found = detector.detect(foldTraffic(mass));
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(500);
    expect(found.every(({ confidence }) => confidence !== 'high')).toBe(true);
    const withBusyOne = detector.detect(foldTraffic([...mass, ...scanner]));
    expect(withBusyOne.some(({ sourceIp }) => sourceIp === '192.0.2.67')).toBe(true);
  });

  it('calls a password attack and a port scan with completed exchanges high, with reasons', () => {
    const found = detector.detect(foldTraffic([...guesser, ...scanner]));
    expect(
      found.map(({ sourceIp, confidence, anomalyType }) => [sourceIp, confidence, anomalyType]).sort(),
    ).toEqual([
      ['192.0.2.66', 'high', 'brute_force'],
      ['192.0.2.67', 'high', 'port_scan'],
    ]);
    const scan = found.find((detection) => detection.sourceIp === '192.0.2.67')!;
    expect(scan.reasons[0]?.text).toMatch(
      /^412 destination ports in 5 min; typical for this network: up to \d+$/,
    );
    for (const { reasons } of found) {
      expect(reasons.length).toBeGreaterThanOrEqual(2);
      expect(reasons.length).toBeLessThanOrEqual(4);
      for (const reason of reasons) expect(reason.text).toMatch(/^[\x20-\x7e]+$/);
    }
  });

  it('tells observed and typical values at the scale that shows it, each feature once, in shares of one evidence', () => {
    const slow = flows(
      40,
      () => ({ sourceIp: '192.0.2.71', destinationPort: 22, packets: 22, bytes: 4000 }),
      {
        toMs: 3_599_999,
      },
    );
    const found = detector.detect(foldTraffic([...guesser, ...slow]));
    expect(found.length).toBeGreaterThan(2);
    for (const { sourceIp, reasons } of found) {
      const features = reasons.filter(({ contribution }) => contribution !== undefined);
      expect(features.length).toBeGreaterThan(0);
      for (const { text, typical } of features) {
        expect(text).toMatch(/; typical for this network: /);
        expect(Number.isFinite(typical)).toBe(true);
      }
      const total = features.reduce((sum, { contribution }) => sum + contribution!, 0);
      expect(total).toBeGreaterThan(0);
      expect(total).toBeLessThanOrEqual(1);
      expect(new Set(reasons.map(({ subject }) => subject)).size).toBe(reasons.length);
      if (sourceIp === '192.0.2.71')
        expect(reasons[0]?.text).toMatch(/^40 connections to login services in 1 h, to 1 host/);
    }
  });

  it('keeps the same scan below high when every packet could be forged, and says so', () => {
    const [scan] = detector.detect(foldTraffic(forgeableScanner));
    expect(scan).toMatchObject({ confidence: 'medium', anomalyType: 'port_scan' });
    expect(scan?.reasons.at(-1)?.text).toMatch(/could be forged/);
  });

  it.each<[string, (index: number) => Partial<LogRecord>]>([
    ['dropped SYNs to many ports', (i) => ({ destinationPort: 1 + i, ...dropped })],
    ['dropped SYNs to a login service', () => ({ destinationPort: 22, ...dropped })],
    [
      'dropped SYNs to many hosts',
      (i) => ({ destinationIp: `192.0.2.${i}`, destinationPort: 445, ...dropped }),
    ],
    ['datagrams to many ports', (i) => ({ destinationPort: 1 + i, protocol: 'udp', packets: 1, bytes: 60 })],
  ])('lets nobody get a customer blocked by %s in his name', (_what, forged) => {
    const customer = { sourceIp: '192.0.2.72' };
    const business = flows(20, () => customer);
    const [framed] = detector.detect(
      foldTraffic([...business, ...flows(200, (i) => ({ ...customer, ...forged(i) }))]),
    );
    expect(framed).toMatchObject({ sourceIp: '192.0.2.72', confidence: 'medium' });
    expect(framed?.reasons.at(-1)?.text).toMatch(/^Most of the evidence could be forged: the few completed/);
  });

  it('makes no detection of a single probe that came to nothing', () => {
    expect(detector.detect(foldTraffic(probe))).toEqual([]);
  });

  it('never raises a single flow above low, whatever it is', () => {
    const kinds: Partial<LogRecord>[] = [
      { destinationPort: 22, bytes: 9e9, packets: 5e6 },
      { destinationPort: 23, ...refused },
      { destinationPort: 31_337, ...dropped },
      { destinationPort: 161, protocol: 'udp', packets: 1, bytes: 40 },
      { destinationPort: null, protocol: 'icmp', packets: 1, bytes: 28 },
    ];
    const single = kinds.map((kind, i) => flow({ sourceIp: `192.0.${i}.70`, ...kind }));
    const found = detector.detect(foldTraffic(single));
    expect(found.map(({ confidence }) => confidence).filter((tier) => tier !== 'low')).toEqual([]);
  });

  it('hardly troubles an operator with harmless traffic it has not seen', () => {
    const traffic = foldTraffic(normalRecords(1000, 99));
    const flagged = detector.detect(traffic).filter(({ confidence }) => confidence !== 'low');
    expect(flagged.length).toBeLessThanOrEqual(10);
    expect(flagged.filter(({ confidence }) => confidence === 'high')).toEqual([]);
  });

  it('gives the same detections whatever else is in the table', () => {
    const alone = detector.detect(foldTraffic(guesser));
    const among = detector.detect(foldTraffic([...normalRecords(200, 5), ...guesser]));
    expect(among.filter(({ sourceIp }) => sourceIp === '192.0.2.66')).toEqual(alone);
  });

  it('judges a group the model does not know by the rules and says so', () => {
    const { external } = siteModel.groups;
    const outsideOnly = { ...siteModel, groups: { external: external! } };
    const partial = createHybridDetector({ model: outsideOnly, thresholds, isInternal });
    const inside = flows(150, () => ({
      sourceIp: '10.1.2.3',
      destinationPort: 22,
      packets: 22,
      bytes: 4000,
    }));
    const found = partial.detect(foldTraffic([...inside, ...guesser]));
    const judgedBy = Object.fromEntries(found.map((one) => [one.sourceIp, [one.detector, one.modelVersion]]));
    expect(judgedBy).toEqual({
      '10.1.2.3': ['legacy', null],
      '192.0.2.66': ['hybrid', siteModel.metadata.version],
    });
  });

  it('asks once whether a source is internal, however many windows it has', () => {
    let asked = 0;
    const counting = createHybridDetector({
      model: siteModel,
      thresholds,
      isInternal: (ip) => {
        asked += 1;
        return isInternal(ip);
      },
    });
    counting.detect(foldTraffic(flows(40, (i) => ({ timestampMs: i * 300_000 }))));
    expect(asked).toBe(1);
  });
});
