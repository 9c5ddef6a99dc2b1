import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createHybridDetector } from '../../src/detector/hybrid-detector.ts';
import { createRandom } from '../../src/detector/random.ts';
import { trainModel } from '../../src/detector/train-model.ts';
import type { LabelledSite } from '../../src/evaluation/labelled-site.ts';
import { selectTraffic } from '../../src/features/traffic-windows.ts';
import { sharedDataMissing, sharedFlows } from '../support/shared-data.ts';
import { captureTraining, isPrivate, readSite } from './labelled-capture.ts';
import { thresholds } from './site-parts.ts';

const CAPTURE = 'stratosphere_011_exposed_host.csv.gz';
const folder = mkdtempSync(join(tmpdir(), 'autoblock-labels-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The capture with the columns label, attack and dataset as `rewrite` makes them from those of its lines. */
function rewriteLabels(name: string, rewrite: (labels: readonly string[][]) => readonly string[][]): string {
  const [header, ...lines] = gunzipSync(readFileSync(sharedFlows(CAPTURE)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const columns = header!.split(',');
  const positions = ['label', 'attack', 'dataset'].map((column) => columns.indexOf(column));
  expect(Math.min(...positions)).toBeGreaterThanOrEqual(0);
  const rows = lines.map((line) => line.split(','));
  const rewritten = rewrite(rows.map((fields) => positions.map((position) => fields[position]!)));
  rows.forEach((fields, row) => {
    positions.forEach((position, at) => {
      fields[position] = rewritten[row]![at]!;
    });
  });
  const path = join(folder, name);
  writeFileSync(path, [header!, ...rows.map((fields) => fields.join(','))].join('\n'));
  return path;
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  const order = [...items];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = random.nextInt(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}

/** Trains on every fifth entity, whatever it is labelled, and judges them all. */
function suspicionOf({ traffic }: LabelledSite): Float64Array {
  const every = Int32Array.from({ length: traffic.short.entityCount }, (_, entity) => entity);
  const model = trainModel({
    ...captureTraining,
    traffic: selectTraffic(
      traffic,
      every.filter((entity) => entity % 5 === 0),
    ),
  });
  return createHybridDetector({ model, thresholds, isInternal: isPrivate }).suspicion(traffic);
}

describe.skipIf(sharedDataMissing())('scores without verdicts', () => {
  it('are bit for bit the same when labels, attack names and data set are shuffled and turned round', async () => {
    const turnedRound = ([label, attack]: readonly string[]): string[] => [
      label === '1' ? '0' : '1',
      attack === '' ? 'Exfiltration' : '',
      'elsewhere',
    ];
    const site = await readSite(sharedFlows(CAPTURE));
    const path = rewriteLabels('disguised.csv', (labels) => shuffled(labels, 7).map(turnedRound));
    const disguised = await readSite(path);
    expect(disguised.truth.labels).not.toEqual(site.truth.labels);
    expect(disguised.traffic).toEqual(site.traffic);
    const suspicion = suspicionOf(site);
    expect(new Set(suspicion).size).toBeGreaterThan(300);
    expect(suspicionOf(disguised)).toEqual(suspicion);
  });
});
