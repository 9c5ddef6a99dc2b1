import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelFiles, ModelMetadata } from '../../src/detector/trained-model.ts';
import { type ModelRegistry, openModelRegistry } from '../../src/storage/model-registry.ts';
import { type CompiledSource, compileSource } from '../support/compiled-source.ts';
import { runAndKill } from '../support/killed-process.ts';
import { capturingLogger } from '../support/logger.ts';
import { refusal } from '../support/refusal.ts';
import { silentLogger } from '../support/temporary-ledger.ts';

const LATEST_FILES = [
  'isolation_forest_latest',
  'scaler_latest',
  'feature_selector_latest',
  'gradient_boosting_latest',
];
/** What each is called in the directory of its version, in the same order. */
const VERSION_FILES = [
  'isolation_forest.bin',
  'scaler.json',
  'feature_selector.json',
  'gradient_boosting.bin',
];

function metadataOf(version: string): ModelMetadata {
  return {
    schemaVersion: 2,
    version,
    createdAt: `2026-11-22T03:00:00.000Z#${version}`,
    algorithm: 'extended-isolation-forest',
    source: 'database',
    trainingWindow: { from: '2026-11-15T03:00:00.000Z', to: '2026-11-22T03:00:00.000Z' },
    seed: 42,
    windowMinutes: 5,
    hyperparameters: {
      contamination: 0.03,
      nEstimators: 250,
      sampleSize: 256,
      chi2TopK: 18,
    },
    features: ['log_count', 'bytes_total'],
    internalNetworks: ['10.0.0.0/8'],
    counts: { records: 1e6, entities: 1234, excludedEntities: 5 } as ModelMetadata['counts'],
    groups: {
      external: {
        entities: 1234,
        short: {
          entities: 1234,
          selection: 'chi-square',
          selectionReason: 'better',
          selectedFeatures: ['log_count'],
        },
        long: null,
        verdicts: { attacks: 3, benign: 4 },
        reliability: [{ from: 0, to: 100, reviewed: 7, attacks: 3 }],
        leastHighRisk: 0,
      },
    },
  };
}

/** Files that tell their version in every byte region, like a real model bigger than one disk block. */
function filesOf(version: string): ModelFiles {
  const fill = (name: string, bytes: number): Uint8Array => Buffer.alloc(bytes, `${name} of ${version};`);
  return {
    isolation_forest: fill('forest', 200_000),
    scaler: fill('scaler', 9000),
    feature_selector: fill('selector', 5000),
    gradient_boosting: fill('trees', 60_000),
  };
}

function modelOf(version: string) {
  return { files: filesOf(version), metadata: metadataOf(version) };
}

let directory: string;
let registry: ModelRegistry;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-models-'));
  registry = openModelRegistry({ directory, logger: silentLogger });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function saveAndPromote(...versions: string[]): void {
  for (const version of versions) registry.promote(registry.save(modelOf(version)));
}

describe('the models folder', () => {
  it('has no latest model before one is promoted', () => {
    expect(registry.readLatest()).toBeNull();
    registry.save(modelOf('v1'));
    expect([registry.readLatest(), registry.latestVersion(), registry.previous()]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('reads where there is no folder yet', () => {
    const nowhere = openModelRegistry({ directory: join(directory, 'none'), logger: silentLogger });
    expect([nowhere.readLatest(), nowhere.list(), nowhere.latestVersion()]).toEqual([null, [], null]);
    expect(existsSync(join(directory, 'none'))).toBe(false);
  });

  it('gives back what was saved, byte for byte', () => {
    expect(registry.save(modelOf('v1'))).toBe('v1');
    const stored = registry.read('v1');
    expect(stored.version).toBe('v1');
    expect(stored.metadata).toEqual(metadataOf('v1'));
    for (const [name, content] of Object.entries(filesOf('v1'))) {
      expect(Buffer.compare(stored.files[name as keyof ModelFiles], content as Uint8Array)).toBe(0);
    }
  });

  it('lays the latest model down under the names operators know', () => {
    saveAndPromote('v1', 'v2');
    const names = readdirSync(directory).filter((name) => !name.startsWith('.'));
    expect(names.sort()).toEqual(
      ['metadata_latest.json', 'promotions.json', 'v1', 'v2', ...LATEST_FILES].sort(),
    );
    expect(readdirSync(join(directory, 'v2')).sort()).toEqual(['metadata.json', ...VERSION_FILES].sort());
    expect(registry.readLatest()).toEqual(registry.read('v2'));
    expect(registry.latestVersion()).toBe('v2');
    const written = JSON.parse(readFileSync(join(directory, 'metadata_latest.json'), 'utf8')) as {
      checksums: { scaler: { bytes: number; sha256: string } };
    };
    expect(written.checksums.scaler).toMatchObject({
      bytes: 9000,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  it('never overwrites a version, and takes no name that leads elsewhere', () => {
    registry.save(modelOf('v1'));
    expect(() => registry.save(modelOf('v1'))).toThrow(refusal('CONFLICT'));
    for (const version of ['', '../v2', 'a/b', '.hidden', '-rf', 'unreadable', 'v\n2']) {
      expect(() => registry.save(modelOf(version))).toThrow(refusal('USAGE'));
    }
    for (const version of ['v2', '../models', ''])
      expect(() => registry.read(version)).toThrow(refusal('NOT_FOUND'));
    expect(() => registry.promote('v2')).toThrow(refusal('NOT_FOUND'));
  });

  it('clears away what a killed writer left', () => {
    mkdirSync(join(directory, '.tmp-v0'));
    writeFileSync(join(directory, '.tmp-v0', 'scaler.json'), 'half');
    writeFileSync(join(directory, '.tmp-scaler_latest'), 'half');
    expect(registry.list()).toEqual([]);
    registry.save(modelOf('v1'));
    expect(readdirSync(directory).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  });

  it('lets one writer in at a time, and readers always', () => {
    saveAndPromote('v1');
    const other = new Database(join(directory, '.lock'));
    other.exec('BEGIN EXCLUSIVE');
    const impatient = openModelRegistry({ directory, lockWaitMs: 10, logger: silentLogger });
    expect(() => impatient.save(modelOf('v2'))).toThrow(refusal('STATE_LOCKED'));
    expect(impatient.readLatest()?.version).toBe('v1');
    other.close();
    expect(impatient.save(modelOf('v2'))).toBe('v2');
  });
});

describe('going back', () => {
  it('leads to the version that was latest before, and again further back', () => {
    saveAndPromote('v1', 'v2', 'v3');
    expect(registry.previous()).toBe('v2');
    registry.promote('v2');
    expect(registry.previous()).toBe('v1');
    registry.promote('v1');
    expect(registry.previous()).toBeNull();
    registry.promote('v3');
    expect(registry.previous()).toBe('v1');
  });

  it('passes over versions that are gone or damaged', () => {
    saveAndPromote('v1', 'v2', 'v3', 'v4');
    rmSync(join(directory, 'v3'), { recursive: true });
    truncateSync(join(directory, 'v2', 'isolation_forest.bin'), 5);
    expect(registry.previous()).toBe('v1');
  });

  it('is possible when the latest model is damaged', () => {
    saveAndPromote('v1', 'v2');
    writeFileSync(join(directory, 'metadata_latest.json'), '{');
    expect(registry.latestVersion()).toBe('unreadable');
    expect(registry.previous()).toBe('v2');
    registry.promote('v1');
    expect(registry.readLatest()?.version).toBe('v1');
  });
});

describe('a rejected candidate', () => {
  it('is listed with the reasons and cannot become latest', () => {
    saveAndPromote('v1');
    registry.save(modelOf('v2'));
    registry.markRejected('v2', ['flags 40 % of the traffic', 'self-test failed']);
    expect(() => registry.promote('v2')).toThrow(refusal('MODEL_REJECTED'));
    expect(registry.readLatest()?.version).toBe('v1');
    expect(registry.list()).toMatchObject([
      {
        version: 'v2',
        latest: false,
        valid: false,
        problem: 'rejected: flags 40 % of the traffic; self-test failed',
      },
      { version: 'v1', latest: true, valid: true },
    ]);
    expect(() => registry.markRejected('v9', [])).toThrow(refusal('NOT_FOUND'));
  });

  it('stays rejected when the note cannot be read', () => {
    registry.save(modelOf('v2'));
    writeFileSync(join(directory, 'v2', 'rejected.json'), 'x');
    expect(() => registry.promote('v2')).toThrow(refusal('MODEL_REJECTED'));
  });
});

describe('pruning', () => {
  it('keeps the newest, the latest and the one to go back to', () => {
    saveAndPromote('v1', 'v2');
    for (const version of ['v3', 'v4', 'v5', 'v6']) registry.save(modelOf(version));
    expect(registry.prune({ keep: 2 }).sort()).toEqual(['v3', 'v4']);
    expect(registry.list().map((model) => model.version)).toEqual(['v6', 'v5', 'v2', 'v1']);
    expect(registry.prune({ keep: 0 })).toEqual(['v5']);
    expect(registry.readLatest()?.version).toBe('v2');
    expect(registry.previous()).toBe('v1');
  });
});

describe('a tampered or half-written model', () => {
  beforeEach(() => saveAndPromote('v1', 'v2'));

  it.each(LATEST_FILES)('is refused with a flipped bit anywhere in %s', (name) => {
    const path = join(directory, name);
    const sound = readFileSync(path);
    for (const position of [0, 1, 4096, sound.length >> 1, sound.length - 1]) {
      const flipped = Buffer.from(sound);
      flipped[position % sound.length]! ^= 1;
      writeFileSync(path, flipped);
      expect(() => registry.readLatest()).toThrow(refusal('MODEL_INVALID'));
    }
    writeFileSync(path, sound);
    expect(registry.readLatest()?.version).toBe('v2');
  });

  it('is named with its file and both checksums', () => {
    const path = join(directory, 'scaler_latest');
    truncateSync(path, 4);
    expect(() => registry.readLatest()).toThrow(
      /scaler_latest is not the file of model v2: 4 bytes with SHA-256 [0-9a-f]{64}, expected 9000 bytes with [0-9a-f]{64}/,
    );
    rmSync(path);
    expect(() => registry.readLatest()).toThrow(/scaler_latest of model v2 is missing/);
  });

  it.each(LATEST_FILES)('is refused when %s is the file of another version, cut or longer', (name) => {
    const path = join(directory, name);
    const saved = VERSION_FILES[LATEST_FILES.indexOf(name)]!;
    copyFileSync(join(directory, 'v1', saved), path);
    expect(() => registry.readLatest()).toThrow(refusal('MODEL_INVALID'));
    copyFileSync(join(directory, 'v2', saved), path);
    expect(registry.readLatest()?.version).toBe('v2');
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from('x')]));
    expect(() => registry.readLatest()).toThrow(refusal('MODEL_INVALID'));
  });

  it('is refused when the metadata was changed: what is read is what was trained, or nothing', () => {
    const path = join(directory, 'metadata_latest.json');
    const sound = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (position, mask) => {
        const changed = Buffer.from(sound);
        changed[position]! ^= mask;
        writeFileSync(path, changed);
        let metadata: unknown = 'refused';
        try {
          metadata = registry.readLatest()?.metadata;
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'MODEL_INVALID' });
        }
        // A changed space between two tokens means the same model.
        expect([JSON.stringify(metadataOf('v2')), '"refused"']).toContain(JSON.stringify(metadata));
      }),
      { numRuns: 300 },
    );
  });

  it.each(['', '{"version":', '[]', 'null', '{"schemaVersion":3}', '{"schemaVersion":2,"version":"v2"}'])(
    'is refused with the metadata %s',
    (text) => {
      writeFileSync(join(directory, 'metadata_latest.json'), text);
      expect(() => registry.readLatest()).toThrow(refusal('MODEL_INVALID'));
      expect(registry.latestVersion()).toBe('unreadable');
    },
  );

  it('of an earlier autoblock is refused with the command that makes a new one, and never gone back to', () => {
    const path = join(directory, 'v1', 'metadata.json');
    // As the earlier version wrote it: another layout, three files, and checksums that hold.
    const body = { schemaVersion: 1, version: 'v1', createdAt: '2026-11-01T03:00:00.000Z', checksums: {} };
    const metadataSha256 = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    writeFileSync(path, JSON.stringify({ ...body, metadataSha256 }));
    rmSync(join(directory, 'v1', 'gradient_boosting.bin'));
    const why = `${path}: made by an earlier autoblock, schema version 1, this one reads 2: retrain with \`autoblock train\``;
    expect(() => registry.read('v1')).toThrow(refusal('MODEL_INVALID'));
    expect(() => registry.promote('v1')).toThrow(why);
    expect(registry.list().find((model) => model.version === 'v1')).toMatchObject({
      valid: false,
      problem: why,
    });
    expect(registry.previous()).toBeNull();
    copyFileSync(path, join(directory, 'metadata_latest.json'));
    expect(() => registry.readLatest()).toThrow(/retrain with `autoblock train`/);
    expect(registry.latestVersion()).toBe('unreadable');
    registry.promote(registry.save(modelOf('v3')));
    expect(registry.readLatest()?.version).toBe('v3');
  });

  it('is refused as a version, cannot be promoted, and is listed with its problem', () => {
    truncateSync(join(directory, 'v1', 'scaler.json'), 100);
    expect(() => registry.read('v1')).toThrow(refusal('MODEL_INVALID'));
    expect(() => registry.promote('v1')).toThrow(refusal('MODEL_INVALID'));
    expect(registry.readLatest()?.version).toBe('v2');
    expect(registry.list().find((model) => model.version === 'v1')).toMatchObject({
      valid: false,
      problem: expect.stringContaining('scaler.json') as string,
    });
    copyFileSync(join(directory, 'v2', 'metadata.json'), join(directory, 'v1', 'metadata.json'));
    expect(() => registry.read('v1')).toThrow(/is the metadata of model v2/);
  });
});

describe('a promotion that was killed', () => {
  let compiled: CompiledSource;
  beforeAll(() => {
    compiled = compileSource(['storage', 'detector', 'features', 'ip']);
  });
  afterAll(() => compiled.remove());

  it.each([1, 2, 3, 4])('after %i of its 4 files leaves the old model readable and says so', (exchanged) => {
    saveAndPromote('v1');
    registry.save(modelOf('v2'));
    writeFileSync(join(directory, 'promotions.json'), JSON.stringify({ history: ['v1'], underWay: 'v2' }));
    for (const [index, file] of VERSION_FILES.slice(0, exchanged).entries()) {
      copyFileSync(join(directory, 'v2', file), join(directory, LATEST_FILES[index]!));
    }
    const { logger, lines } = capturingLogger();
    expect(openModelRegistry({ directory, logger }).readLatest()).toEqual(registry.read('v1'));
    expect(lines).toMatchObject([
      { code: 'MODEL_PROMOTION_UNFINISHED', modelVersion: 'v1', promoting: 'v2' },
    ]);
    registry.promote('v2');
    expect(registry.readLatest()).toEqual(registry.read('v2'));
  });

  it('after it was committed counts for going back', () => {
    saveAndPromote('v1', 'v2');
    writeFileSync(join(directory, 'promotions.json'), JSON.stringify({ history: ['v1'], underWay: 'v2' }));
    expect(registry.previous()).toBe('v1');
    registry.promote(registry.save(modelOf('v3')));
    expect(registry.previous()).toBe('v2');
  });

  it('at any moment leaves a whole model, the old one or the new, and a folder that goes on working', async () => {
    saveAndPromote('a', 'b');
    const promoter = `
      import { createLogger } from '${compiled.url('logger')}';
      import { openModelRegistry } from '${compiled.url('storage/model-registry')}';
      import { writeSync } from 'node:fs';
      const registry = openModelRegistry({ directory: ${JSON.stringify(directory)}, logger: createLogger({ level: 'silent' }) });
      writeSync(1, 'at work');
      for (;;) for (const version of ['a', 'b']) registry.promote(version);`;
    const seen = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      await runAndKill(promoter, round * 11);
      const latest = registry.readLatest()!;
      expect(latest).toEqual(registry.read(latest.version));
      seen.add(latest.version);
      expect(registry.list().filter((model) => model.valid)).toHaveLength(2);
    }
    expect([...seen].every((version) => ['a', 'b'].includes(version))).toBe(true);
    saveAndPromote('c');
    expect(registry.readLatest()).toEqual(registry.read('c'));
  });

  it('is never seen half-way by a reader beside it', async () => {
    saveAndPromote('a', 'b');
    const promoter = `
      import { createLogger } from '${compiled.url('logger')}';
      import { openModelRegistry } from '${compiled.url('storage/model-registry')}';
      import { writeSync } from 'node:fs';
      const registry = openModelRegistry({ directory: ${JSON.stringify(directory)}, logger: createLogger({ level: 'silent' }) });
      for (;;) for (const version of ['a', 'b']) { registry.promote(version); writeSync(1, '.'); }`;
    const reads: (string | undefined)[] = [];
    const timer = setInterval(() => reads.push(registry.readLatest()?.version), 1);
    const printed = await runAndKill(promoter, 1500);
    clearInterval(timer);
    expect(printed.length).toBeGreaterThan(2);
    expect(reads.length).toBeGreaterThan(10);
    expect(reads.every((version) => version === 'a' || version === 'b')).toBe(true);
  });
});
