import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AutoblockError, ERROR_TABLE, type ErrorCode, EXIT, messageOf } from '../src/errors.ts';
import { autoblock, temporaryHome } from './support/cli.ts';

const ROOT = resolve(import.meta.dirname, '..');
const CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

function sourceTexts(): string[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
    .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'));
}

describe('the table of errors', () => {
  it.each(CODES)('tells for %s what to do, in one sentence, and exits with a documented code', (code) => {
    const { exitCode, whatToDo } = ERROR_TABLE[code];
    expect(whatToDo).toMatch(/^[A-Z`][^\n]{10,}[a-z0-9`)]\.$/i);
    expect(Object.values(EXIT)).toContain(exitCode);
    expect(exitCode).not.toBe(EXIT.ok);
  });

  it('holds no code that nobody uses', () => {
    const source = sourceTexts().join('\n');
    expect(CODES.filter((code) => !source.includes(`'${code}'`))).toEqual([]);
  });

  it('holds every code that is thrown, also where a type assertion could hide it', () => {
    const thrown = sourceTexts().flatMap((text) =>
      [...text.matchAll(/new AutoblockError\(\s*'([A-Z_]+)'/g)].map((match) => match[1]!),
    );
    expect(thrown.length).toBeGreaterThan(20);
    expect(thrown.filter((code) => !Object.hasOwn(ERROR_TABLE, code))).toEqual([]);
  });

  it('has its exit codes documented in the README and in the help', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const documented = /\| exit code \| meaning \|\n\|---\|---\|\n((?:\| \d .*\n)+)/.exec(readme)![1]!;
    const rows = documented
      .trim()
      .split('\n')
      .map((row) => Number(row.split('|')[1]));
    expect(rows).toEqual(Object.values(EXIT));
    const home = temporaryHome();
    const { stdout } = await autoblock(['--help'], home);
    home.remove();
    const line = /Exit codes:\n(.*)\n/.exec(stdout)![1]!;
    expect([...line.matchAll(/(?:^| {2})(\d) [a-z]/gi)].map((match) => Number(match[1]))).toEqual(
      Object.values(EXIT),
    );
  });
});

describe('an error of autoblock', () => {
  it.each(CODES)('carries for %s the exit code and the advice of the table, and its cause', (code) => {
    const cause = new Error('below');
    const error = new AutoblockError(code, 'what happened', { cause });
    expect(error).toMatchObject({ code, message: 'what happened', name: 'AutoblockError', cause });
    expect({ exitCode: error.exitCode, whatToDo: error.whatToDo }).toEqual(ERROR_TABLE[code]);
  });

  it('is told by its message, like anything else that is thrown', () => {
    expect(messageOf(new AutoblockError('USAGE', 'no file given'))).toBe('no file given');
    expect(messageOf('a text')).toBe('a text');
    expect(messageOf(undefined)).toBe('undefined');
  });
});
