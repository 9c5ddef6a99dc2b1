import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AutoblockError } from '../../src/errors.ts';
import { holdProcessLock } from '../../src/storage/process-lock.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'autoblock-lock-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const HOLDER = `
  const Database = require('better-sqlite3');
  const lock = new Database(process.argv[1]);
  lock.exec('BEGIN EXCLUSIVE');
  console.log('held');
  setInterval(() => {}, 1000);
`;

describe('the process lock', () => {
  it('lets one holder in at a time and the next one after release', () => {
    const first = holdProcessLock(dir);
    expect(() => holdProcessLock(dir)).toThrow(AutoblockError);
    first.release();
    holdProcessLock(dir).release();
  });

  it('is free again after its holder was killed with SIGKILL', async () => {
    holdProcessLock(dir).release();
    const holder = spawn(process.execPath, ['-e', HOLDER, join(dir, 'daemon.lock')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect(() => holdProcessLock(dir)).toThrow(/another autoblock daemon/);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    holdProcessLock(dir).release();
  });

  it('tells a damaged lock file and a state directory that cannot be made from another daemon', () => {
    writeFileSync(join(dir, 'daemon.lock'), 'x'.repeat(4096));
    expect(() => holdProcessLock(dir)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }) as Error);
    const inAFile = join(dir, 'daemon.lock', 'state');
    expect(() => holdProcessLock(inAFile)).toThrow(
      expect.objectContaining({ code: 'STATE_UNWRITABLE' }) as Error,
    );
  });
});
