import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoblockError } from '../../src/errors.ts';
import { type LabelledFlow, readLabelledFlows } from '../../src/log-intake/flow-files.ts';

const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets';
const flowFrom = (sourceIp: string): string =>
  `2026-01-01T00:00:00Z,${sourceIp},40000,192.0.2.10,443,tcp,accept,2400,18`;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'autoblock-flow-files-test-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function reading(
  content: string | Buffer,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ flows: LabelledFlow[]; counts: Awaited<ReturnType<typeof readLabelledFlows>> }> {
  const path = join(directory, 'flows.csv');
  await writeFile(path, content);
  const flows: LabelledFlow[] = [];
  const counts = await readLabelledFlows({ path, signal, onFlow: (flow) => flows.push(flow) });
  return { flows, counts };
}

/** Code and sentence of the refusal. */
async function errorOf(attempt: Promise<unknown>): Promise<string> {
  const thrown: unknown = await attempt.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof AutoblockError)) throw new Error(`not refused: ${String(thrown)}`);
  return `${thrown.code}: ${thrown.message}`;
}

const labelled = [
  `${HEADER},label,attack`,
  `${flowFrom('198.51.100.1')},1,port-scan`,
  `${flowFrom('198.51.100.2')},0,`,
  `${flowFrom('198.51.100.3')},,`,
  '',
  `${flowFrom('not an address')},1,port-scan`,
  `${flowFrom('198.51.100.4')},2,port-scan`,
  `${flowFrom('198.51.100.5')},1,`,
].join('\n');

describe('a labelled flow file', () => {
  it('gives its labelled flows in order, and counts what has no label apart from what is no flow', async () => {
    const { flows, counts } = await reading(labelled);
    expect(flows.map(({ record, label, attack }) => [record.sourceIp, label, attack])).toEqual([
      ['198.51.100.1', 1, 'port-scan'],
      ['198.51.100.2', 0, null],
      ['198.51.100.5', 1, null],
    ]);
    // Label 2 is no label: the line is bad. Empty lines are nothing.
    expect(counts).toEqual({
      flows: 3,
      badLines: 2,
      firstBadLine: { line: 6, reason: 'source_ip: got "not an address", wanted an IPv4 or IPv6 address' },
      unlabelled: 1,
      outOfOrder: 0,
    });
  });

  it('is read from gzip as well', async () => {
    expect((await reading(gzipSync(labelled))).counts).toMatchObject({
      ...{ flows: 3, badLines: 2, unlabelled: 1 },
    });
  });

  it('is told how many of its flows are older than one before them', async () => {
    const at = (second: string): string =>
      `${flowFrom('198.51.100.1').replace(/^[^,]+/, `2026-01-01T00:00:${second}Z`)},0`;
    const times = ['10', '30', '20', '30', '29', '40'];
    const { counts } = await reading([`${HEADER},label`, ...times.map(at)].join('\n'));
    expect(counts).toMatchObject({ flows: 6, badLines: 0, firstBadLine: null, outOfOrder: 2 });
  });
});

describe('a flow file that cannot be held against anything', () => {
  it('is refused without a label column, with how many flows there were', async () => {
    await expect(
      errorOf(reading([HEADER, flowFrom('198.51.100.1'), flowFrom('198.51.100.2')].join('\n'))),
    ).resolves.toBe(
      `INPUT_FILE: ${join(directory, 'flows.csv')} has no labels: 2 flows, none with 0 or 1 in a column named label`,
    );
  });

  it('is refused with an empty label column', async () => {
    await expect(reading(`${HEADER},label\n${flowFrom('198.51.100.1')},`)).rejects.toThrow(
      /has no labels: 1 flows/,
    );
  });

  it('is refused with labels in words, and says what is wanted', async () => {
    const words = ['Benign', 'Malicious'].map((label) => `${flowFrom('198.51.100.1')},${label}`);
    await expect(reading([`${HEADER},label`, ...words].join('\n'))).rejects.toThrow(
      /holds no flow: 2 lines, none of them readable; line 2: label: got "Benign", wanted a whole number from 0 to 1/,
    );
  });

  it('is refused when no line is a flow, or there is none at all', async () => {
    await expect(reading(`${HEADER},label\nnothing\nof use\n`)).rejects.toThrow(/holds no flow: 2 lines/);
    await expect(reading(`${HEADER},label\n`)).rejects.toThrow(
      /holds no flow: 0 lines, none of them readable$/,
    );
    await expect(reading('')).rejects.toThrow(/is empty/);
    expect(await errorOf(reading('a,b\n1,2\n'))).toMatch(/^INPUT_FILE: .*lacks the columns timestamp/);
  });

  it('is refused when it is not there', async () => {
    const missing = join(directory, 'missing.csv');
    const attempt = readLabelledFlows({
      path: missing,
      signal: new AbortController().signal,
      onFlow: () => undefined,
    });
    expect(await errorOf(attempt)).toMatch(new RegExp(`^INPUT_FILE: .*${missing}`));
  });
});

describe('reading labelled flows that is broken off', () => {
  it('rejects with the reason', async () => {
    const reason = new Error('no more');
    await expect(reading(labelled, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
