import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLedger, openLedger } from '../../src/storage/ledger.ts';
import { openLedgerDatabase } from '../../src/storage/ledger-database.ts';
import { blockPolicyOf } from '../support/block-policy.ts';
import { type CompiledSource, compileSource } from '../support/compiled-source.ts';
import { detectionOf } from '../support/detections.ts';
import { runAndKill } from '../support/killed-process.ts';
import { refusal } from '../support/refusal.ts';
import { runOn, silentLogger, type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

function detectionsOf(count: number) {
  return Array.from({ length: count }, (_, index) =>
    detectionOf({ sourceIp: `203.0.${index >> 8}.${index & 255}`, riskScore: 80, lastSeenMs: NOW }),
  );
}

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

describe('opening a ledger', () => {
  const open = (): void => openLedger({ path: place.path, logger: silentLogger }).close();

  it('makes files only their owner can read, and closes what is too open', () => {
    runOn(place.ledger, detectionsOf(1), NOW);
    for (const path of [place.path, `${place.path}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    place.ledger.close();
    chmodSync(place.path, 0o644);
    open();
    expect(statSync(place.path).mode & 0o777).toBe(0o600);
  });

  it('writes ahead and waits for the disk', () => {
    const db = openLedgerDatabase({ path: place.path, logger: silentLogger });
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    db.close();
  });

  it('leaves one file behind when it is closed', () => {
    runOn(place.ledger, detectionsOf(5), NOW);
    place.ledger.close();
    expect(existsSync(`${place.path}-wal`)).toBe(false);
  });

  it('refuses the schema of a newer version and does not touch it', () => {
    place.ledger.close();
    const db = new Database(place.path);
    db.pragma('user_version = 99');
    db.close();
    const before = readFileSync(place.path);
    expect(open).toThrow(refusal('SCHEMA_NEWER'));
    expect(readFileSync(place.path)).toEqual(before);
  });

  it('refuses a SQLite file that is no ledger', () => {
    place.ledger.close();
    const other = `${place.path}.other`;
    const db = new Database(other);
    db.exec('CREATE TABLE accounts (id INTEGER)');
    db.close();
    expect(() => openLedger({ path: other, logger: silentLogger })).toThrow(refusal('STATE_CORRUPT'));
  });

  it.each([
    ['cut to nothing', (path: string) => truncateSync(path, 0)],
    ['cut in half', (path: string) => truncateSync(path, 8192)],
    ['overwritten by text', (path: string) => writeFileSync(path, 'no database '.repeat(1000))],
    ['overwritten in the middle', (path: string) => overwrite(path, { at: 4096, bytes: 12_288 })],
  ])('refuses a ledger %s instead of starting with an empty one', (_, damage) => {
    runOn(place.ledger, detectionsOf(200), NOW);
    place.ledger.close();
    damage(place.path);
    const damaged = readFileSync(place.path);
    expect(open).toThrow(refusal('STATE_CORRUPT'));
    expect(readFileSync(place.path)).toEqual(damaged);
  });

  it('refuses to start anew beside the write-ahead log of a ledger that was moved away', () => {
    runOn(place.ledger, detectionsOf(1), NOW);
    const log = readFileSync(`${place.path}-wal`);
    place.ledger.close();
    renameSync(place.path, `${place.path}.away`);
    writeFileSync(`${place.path}-wal`, log);
    expect(open).toThrow(refusal('STATE_CORRUPT'));
  });

  it('says that it is locked when another process writes for longer than the busy timeout', () => {
    const other = new Database(place.path);
    other.exec('BEGIN IMMEDIATE');
    const impatient = openLedger({ path: place.path, busyTimeoutMs: 10, logger: silentLogger });
    expect(() => impatient.beginRun('training', NOW)).toThrow(refusal('STATE_LOCKED'));
    expect(impatient.activeBlocks(NOW)).toEqual([]);
    other.exec('ROLLBACK');
    other.close();
    expect(impatient.beginRun('training', NOW)).toBe(1);
    impatient.close();
  });

  it('finds nothing wrong in a sound file', () => {
    runOn(place.ledger, detectionsOf(50), NOW);
    expect(place.ledger.integrity()).toEqual([]);
  });
});

function overwrite(path: string, damage: { at: number; bytes: number }): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(damage.bytes, 0xa5), 0, damage.bytes, damage.at);
  closeSync(file);
}

describe('a full disk', () => {
  it('records nothing of a run, says so, and goes on when there is room again', () => {
    place.ledger.close();
    const db = openLedgerDatabase({ path: place.path, logger: silentLogger });
    const ledger = createLedger(db);
    runOn(ledger, detectionsOf(3), NOW);
    const before = {
      reviews: ledger.reviews(),
      rows: ledger.pendingDetections(999),
      runs: ledger.recentRuns({ limit: 9 }),
    };

    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 4}`);
    expect(() => runOn(ledger, detectionsOf(500), NOW + 1)).toThrow(refusal('STATE_UNWRITABLE'));
    expect(ledger.reviews()).toEqual(before.reviews);
    expect(ledger.pendingDetections(999)).toEqual(before.rows);
    expect(ledger.recentRuns({ limit: 9 })).toEqual(before.runs);
    expect(ledger.integrity()).toEqual([]);

    db.pragma('max_page_count = 100000');
    expect(runOn(ledger, detectionsOf(500), NOW + 1).reviewsAdded).toHaveLength(497);
    ledger.close();
  });
});

describe('a process killed at any moment', () => {
  let compiled: CompiledSource;
  beforeAll(() => {
    compiled = compileSource(['storage', 'decisions', 'ip', 'detector', 'features']);
  });
  afterAll(() => compiled.remove());

  /** Records runs of 40 sources as fast as it can and prints the number of each run that was committed. */
  const recorder = (path: string): string => `
    import { createLogger } from '${compiled.url('logger')}';
    import { openLedger } from '${compiled.url('storage/ledger')}';
    import { decide } from '${compiled.url('decisions/decide')}';
    import { buildProtection } from '${compiled.url('decisions/protected-networks')}';
    import { writeSync } from 'node:fs';
    const ledger = openLedger({ path: ${JSON.stringify(path)}, logger: createLogger({ level: 'silent' }) });
    const protection = buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] });
    const policy = ${JSON.stringify(blockPolicyOf())};
    const template = ${JSON.stringify(detectionOf({ sourceIp: '203.0.113.1', lastSeenMs: NOW, riskScore: 97 }))};
    for (let run = ledger.recentRuns({ limit: 1 })[0]?.id ?? 0; ; run += 1) {
      const detections = Array.from({ length: 40 }, (_, index) => ({
        ...template, sourceIp: '198.' + (18 + (run >> 8)) + '.' + (run & 255) + '.' + index,
        confidence: index < 20 ? 'high' : 'medium',
      }));
      const nowMs = ${NOW};
      const verdicts = decide({ detections, protection, history: ledger.history(nowMs), policy, nowMs });
      ledger.recordDetectionRun({
        run: { startedAtMs: nowMs, finishedAtMs: nowMs, detector: 'hybrid', modelVersion: null, recordsRead: 1, truncated: false, entities: 1 },
        verdicts, reviewSeconds: 86400, nowMs,
      });
      writeSync(1, (run + 1) + '\\n');
    }`;

  it('leaves whole runs only, and every run it had reported', async () => {
    for (let round = 0; round < 6; round += 1) {
      const printed = await runAndKill(recorder(place.path), 20 + round * 17);
      const reported = Number(printed.trim().split('\n').at(-1));
      const ledger = place.reopen();
      const [last] = ledger.recentRuns({ limit: 1 });
      expect(last?.id).toBeGreaterThanOrEqual(reported);
      expect(last?.status).toBe('ok');
      expect(ledger.activeBlocks(NOW)).toHaveLength(last!.id * 20);
      expect(ledger.reviews({ status: 'pending' })).toHaveLength(last!.id * 20);
      expect(ledger.pendingDetections(1_000_000)).toHaveLength(last!.id * 40);
      expect(ledger.integrity()).toEqual([]);
    }
  });

  it('leaves a ledger that opens when it is killed while making one', async () => {
    const fresh = `${place.path}.fresh`;
    for (const afterMs of [0, 1, 2, 4, 8, 16]) {
      const maker = `
        import { createLogger } from '${compiled.url('logger')}';
        import { openLedger } from '${compiled.url('storage/ledger')}';
        import { writeSync } from 'node:fs';
        writeSync(1, 'at work');
        for (let n = 0; ; n += 1) {
          openLedger({ path: ${JSON.stringify(fresh)} + '.${afterMs}.' + n, logger: createLogger({ level: 'silent' }) }).close();
          writeSync(1, '.');
        }`;
      const printed = await runAndKill(maker, afterMs);
      const made = (printed.match(/\./g) ?? []).length;
      for (const n of [made, Math.max(0, made - 1)]) {
        const ledger = openLedger({ path: `${fresh}.${afterMs}.${n}`, logger: silentLogger });
        expect(ledger.integrity()).toEqual([]);
        ledger.close();
      }
    }
  });
});
