import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { createDetectorInUse } from '../../src/daemon/detector-in-use.ts';
import { encodeModel } from '../../src/detector/model-files.ts';
import { openModelRegistry } from '../../src/storage/model-registry.ts';
import { handMadeModel } from '../detector/hand-made-model.ts';
import { capturingLogger } from '../support/logger.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-models-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the detector in use', () => {
  it('stays, and says so once, while the models folder cannot be read', () => {
    // A folder in the place of the file: refused by the system as a file without rights is, for root too.
    mkdirSync(join(directory, 'metadata_latest.json'));
    const { logger, lines } = capturingLogger();
    const inUse = createDetectorInUse({
      config: loadConfig({ env: { MODELS_DIR: directory }, isCron: validate }),
      registry: openModelRegistry({ directory, logger }),
      isInternal: () => false,
      logger,
    });
    inUse.refresh();
    inUse.refresh();
    expect(inUse.current().name).toBe('legacy');
    const errors = lines.filter((line) => line.level === 'error');
    expect(errors).toMatchObject([
      { code: 'STATE_UNWRITABLE', msg: 'model on disk not usable: the present detector stays' },
    ]);
  });

  it('takes a model up again once its damaged file was put right, without being asked to', () => {
    const { logger, lines } = capturingLogger();
    const registry = openModelRegistry({ directory, logger });
    registry.promote(registry.save(encodeModel(handMadeModel)));
    const file = join(directory, 'gradient_boosting_latest');
    const sound = readFileSync(file);
    writeFileSync(file, sound.subarray(0, 100));
    const inUse = createDetectorInUse({
      config: loadConfig({ env: { MODELS_DIR: directory }, isCron: validate }),
      registry,
      isInternal: () => false,
      logger,
    });
    inUse.refresh();
    inUse.refresh();
    expect(inUse.current().name).toBe('legacy');
    writeFileSync(file, sound);
    inUse.refresh();
    inUse.refresh();
    expect(inUse.current().name).toBe('hybrid');
    expect(lines.map(({ msg }) => msg)).toEqual([
      'model on disk not usable: the present detector stays',
      'detector in use',
      'models loaded',
      'detector in use',
    ]);
  });

  it('is the legacy one beside a model of an earlier autoblock, until a retraining put a new one in its place', () => {
    const model = encodeModel(handMadeModel);
    writeFileSync(join(directory, 'metadata_latest.json'), '{"schemaVersion":1,"version":"old"}');
    const { logger, lines } = capturingLogger();
    const registry = openModelRegistry({ directory, logger });
    const inUse = createDetectorInUse({
      config: loadConfig({ env: { MODELS_DIR: directory }, isCron: validate }),
      registry,
      isInternal: () => false,
      logger,
    });
    inUse.refresh();
    inUse.refresh();
    expect(inUse.current().name).toBe('legacy');
    const errors = lines.filter((line) => line.level === 'error');
    expect(errors).toMatchObject([
      { code: 'MODEL_INVALID', msg: 'model on disk not usable: the present detector stays' },
    ]);
    expect(JSON.stringify(errors)).toContain('retrain with `autoblock train`');
    registry.promote(registry.save(model));
    inUse.refresh();
    expect(inUse.current()).toMatchObject({ name: 'hybrid', modelVersion: model.metadata.version });
  });
});
