import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/read-environment.ts';

describe('readEnvironment', () => {
  let cwd: string;

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'autoblock-env-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  it('lets the process win over the file, even with an empty value', () => {
    writeFileSync(join(cwd, '.env'), '# comment\nSEED=7\nHOURS_BACK=3\nALLOWLIST="192.0.2.1, 192.0.2.2"\n');
    expect(readEnvironment({ cwd, processEnv: { SEED: '8', HOURS_BACK: '' } })).toEqual({
      SEED: '8',
      HOURS_BACK: '',
      ALLOWLIST: '192.0.2.1, 192.0.2.2',
    });
  });

  it('is the environment of the process where there is no file', () => {
    expect(readEnvironment({ cwd, processEnv: { SEED: '8' } })).toEqual({ SEED: '8' });
  });

  it('refuses a file it cannot read instead of running without it', () => {
    mkdirSync(join(cwd, '.env'));
    expect(() => readEnvironment({ cwd, processEnv: {} })).toThrow(/cannot read .*\.env: EISDIR/);
  });
});
