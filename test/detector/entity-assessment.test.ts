import { describe, expect, it } from 'vitest';
import { type AssessedEntity, assessEntities } from '../../src/detector/entity-assessment.ts';
import { gatherEvidence } from '../../src/detector/stage-evidence.ts';
import type { SourceGroup } from '../../src/detector/trained-model.ts';
import type { LogRecord } from '../../src/features/log-record.ts';
import { siteModel, thresholds } from './site.ts';
import { dropped, flow, flows, foldTraffic, WINDOW_MS } from './traffic.ts';

const HOUR_MS = 12 * WINDOW_MS;

/** One for each short window that holds something, in order of source and time. */
function assess(records: LogRecord[], group: SourceGroup): AssessedEntity[] {
  const model = siteModel.groups[group]!;
  const traffic = foldTraffic(records.toSorted((left, right) => left.timestampMs - right.timestampMs));
  const entities = Int32Array.from(traffic.short.sourceIps.keys());
  const evidence = gatherEvidence({ model, traffic, entities });
  return [...assessEntities({ traffic, entities, model, evidence, thresholds })];
}

const typesOf = (assessed: readonly AssessedEntity[]): (string | null)[] =>
  assessed.map(({ hit }) => (hit === null ? null : `${hit.type} ${hit.scale}`));

describe('the signature of the hour around a window', () => {
  const sourceIp = '10.200.0.66';

  it('counts for the windows that take part in it, not for the ordinary work beside it', () => {
    const calls = flows(
      40,
      () => ({ sourceIp, destinationIp: '198.51.100.50', destinationPort: 50, packets: 1, bytes: 60 }),
      { toMs: 9 * WINDOW_MS - 1 },
    );
    const names = flows(
      6,
      () => ({
        sourceIp,
        destinationIp: '10.0.0.53',
        destinationPort: 53,
        protocol: 'udp',
        packets: 2,
        bytes: 200,
      }),
      { fromMs: 9 * WINDOW_MS, toMs: HOUR_MS - 1 },
    );
    const assessed = assess([...calls, ...names], 'internal');
    expect(typesOf(assessed)).toEqual([...Array<string>(9).fill('beaconing long'), null, null, null]);
    for (const { assessment } of assessed.slice(9)) expect(assessment?.riskScore ?? 0).toBeLessThan(70);
  });

  it('of a scan counts for windows in which something failed', () => {
    const probes = flows(22, (i) => ({ destinationPort: 1000 + i, ...dropped }), {
      toMs: 11 * WINDOW_MS - 1,
    });
    const visit = flow({ timestampMs: HOUR_MS - 60_000 });
    const types = typesOf(assess([...probes, visit], 'external'));
    expect(types.slice(0, 11)).toEqual(Array<string>(11).fill('slow_scan long'));
    expect(types.slice(11)).toEqual([null]);
  });

  it('of an exfiltration counts for windows that moved a hundredth of it', () => {
    const bytes = Math.max(...siteModel.groups.internal!.short.evidenceHighest);
    const heap = flows(
      10,
      () => ({ sourceIp, destinationIp: '198.51.100.99', packets: 9e6, bytes: bytes / 2 }),
      {
        toMs: 10 * WINDOW_MS - 1,
      },
    );
    const crumb = flow({ sourceIp, destinationIp: '198.51.100.99', timestampMs: HOUR_MS - 1 });
    const types = typesOf(assess([...heap, crumb], 'internal'));
    expect(types).toEqual([...Array<string>(10).fill('exfiltration long'), null]);
  });

  it('gives way to a signature of the window itself that is as strong', () => {
    const guesses = flows(400, () => ({ destinationPort: 22, packets: 22, bytes: 4000 }));
    expect(typesOf(assess(guesses, 'external'))).toEqual(['brute_force short']);
  });
});

describe('neighbours of a single probe', () => {
  const probes = (count: number, addressOf: (index: number) => string, port: (index: number) => number) =>
    Array.from({ length: count }, (_, i) =>
      flow({ sourceIp: addressOf(i), destinationPort: port(i), timestampMs: i, ...dropped }),
    );
  const isReported = (records: LogRecord[]): boolean =>
    assess(records, 'external').some(
      ({ assessment }) => (assessment?.riskScore ?? 0) >= thresholds.mediumRisk,
    );

  it('make it part of something: two more of the network, or four more for the same port', () => {
    const ofNetwork = (count: number) =>
      probes(
        count,
        (i) => `192.0.2.${i}`,
        (i) => 5060 + i,
      );
    const forPort = (count: number) =>
      probes(
        count,
        (i) => `192.0.${i}.7`,
        () => 5555,
      );
    expect(isReported(ofNetwork(2))).toBe(false);
    expect(isReported(ofNetwork(3))).toBe(true);
    expect(isReported(forPort(4))).toBe(false);
    expect(isReported(forPort(5))).toBe(true);
  });

  it('do not count when they are of another hour', () => {
    const spread = probes(
      5,
      (i) => `192.0.${i}.7`,
      () => 5555,
    ).map((probe, i) => ({
      ...probe,
      timestampMs: i * HOUR_MS,
    }));
    expect(isReported(spread)).toBe(false);
  });
});
