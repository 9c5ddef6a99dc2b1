import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { createDetectorInUse, needsModel } from '../../src/daemon/detector-in-use.ts';
import { openModelRegistry } from '../../src/storage/model-registry.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';
import { capturingLogger } from '../support/logger.ts';
import { OFFICE_SETTINGS, writeOfficeDayCsv } from '../support/traffic-csv.ts';

let home: ReturnType<typeof temporaryHome>;
let trained: string;

beforeAll(async () => {
  home = temporaryHome();
  trained = home.env['MODELS_DIR']!;
  const csv = join(home.dir, 'office.csv');
  writeOfficeDayCsv(csv);
  const env = { ...home.env, ...OFFICE_SETTINGS };
  expect(await autoblock(['train', '--flows', csv], { dir: home.dir, env })).toMatchObject({ code: 0 });
});
afterAll(() => home.remove());

function inUse(env: Readonly<Record<string, string>>) {
  const config = loadConfig({ env, isCron: validate });
  const { logger, lines } = capturingLogger();
  const registry = openModelRegistry({ directory: config.modelsDir, logger });
  const detectors = createDetectorInUse({ config, registry, isInternal: () => false, logger });
  detectors.refresh();
  return { detectors, lines, config };
}

describe('the shadow detector in use', () => {
  it.each([
    { USE_HYBRID_DETECTOR: 'true', SHADOW_DETECTOR: 'legacy', active: 'hybrid', beside: 'legacy' },
    { USE_HYBRID_DETECTOR: 'false', SHADOW_DETECTOR: 'hybrid', active: 'legacy', beside: 'hybrid' },
  ])('is $beside beside $active, both ready with one model', ({ active, beside, ...env }) => {
    const { detectors, config } = inUse({ ...env, MODELS_DIR: trained });
    expect(needsModel(config)).toBe(true);
    expect(detectors.current().name).toBe(active);
    expect(detectors.shadow()).toMatchObject({ name: beside, detector: { name: beside } });
  });

  it('is off by default, and then legacy rules alone need no model', () => {
    const { detectors, config } = inUse({ USE_HYBRID_DETECTOR: 'false', MODELS_DIR: trained });
    expect(detectors.shadow()).toBeUndefined();
    expect(needsModel(config)).toBe(false);
  });

  it.each([
    { USE_HYBRID_DETECTOR: 'true', SHADOW_DETECTOR: 'legacy' },
    { USE_HYBRID_DETECTOR: 'false', SHADOW_DETECTOR: 'hybrid' },
  ])('is missing with a code while there is no model: $SHADOW_DETECTOR', (env) => {
    const directory = mkdtempSync(join(tmpdir(), 'autoblock-models-'));
    try {
      const { detectors, lines } = inUse({ ...env, MODELS_DIR: directory });
      expect(detectors.current().name).toBe('legacy');
      expect(detectors.shadow()).toMatchObject({
        name: env.SHADOW_DETECTOR,
        problem: { code: 'MODEL_MISSING' },
      });
      expect(lines.filter((line) => line.code === 'MODEL_MISSING')).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('keeps the model it has when the one on disk is damaged, and the active detector never notices', () => {
    const { detectors } = inUse({
      USE_HYBRID_DETECTOR: 'false',
      SHADOW_DETECTOR: 'hybrid',
      MODELS_DIR: trained,
    });
    const before = detectors.shadow();
    writeFileSync(join(trained, 'isolation_forest_latest'), 'not a forest');
    detectors.reload();
    expect(detectors.shadow()).toEqual(before);
    const anew = inUse({ USE_HYBRID_DETECTOR: 'false', SHADOW_DETECTOR: 'hybrid', MODELS_DIR: trained });
    expect(anew.detectors.current().name).toBe('legacy');
    expect(anew.detectors.shadow()).toMatchObject({ name: 'hybrid', problem: { code: 'MODEL_INVALID' } });
  });
});
