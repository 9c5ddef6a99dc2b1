import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { validate } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { envExample, readmeTable, withReadmeTable } from '../../src/config/documentation.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { ERROR_TABLE } from '../../src/errors.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(resolve(ROOT, name), 'utf8');

describe('the generated documentation', () => {
  it('stands in README.md as it is now (else: npm run docs)', () => {
    const readme = read('README.md');
    expect(readme).toBe(withReadmeTable(readme));
  });

  it('stands in .env.example as it is now (else: npm run docs)', () => {
    expect(read('.env.example')).toBe(envExample());
  });

  it('names every option once', () => {
    for (const { env } of OPTIONS) {
      expect(readmeTable().split(`| \`${env}\` |`)).toHaveLength(2);
      expect(envExample().match(new RegExp(`^#${env}=`, 'gm'))).toHaveLength(1);
    }
  });

  it('shows ranges and the words for an absent value', () => {
    expect(readmeTable()).toContain('| `HOURS_BACK` | `1` | 1-168 hours |');
    expect(readmeTable()).toContain('| `ROUTER_PORT` | 8729 with TLS, 8728 without | 1-65535 port |');
  });

  it('gives the defaults when every line of .env.example is uncommented', () => {
    const uncommented = envExample().replaceAll(/^#(?=[A-Z0-9_]+=)/gm, '');
    const env = parse(uncommented);
    expect(Object.keys(env)).toEqual(OPTIONS.map((option) => option.env));
    const directories = { isCron: validate, cwd: '/srv', programDir: '/srv' };
    const { warnings, ...config } = loadConfig({ env, ...directories });
    const { warnings: none, ...defaults } = loadConfig({ env: {}, ...directories });
    expect(config).toEqual(defaults);
    // These are set without a router in an uncommented example.
    const useless = ['ROUTER_TLS', 'ROUTER_TLS_INSECURE'].map(
      (name) => `${name} has no effect without ROUTER_HOST`,
    );
    expect([warnings, none]).toEqual([useless, []]);
  });

  it('speaks only of settings and error codes that exist', () => {
    const known = new Set<string>([...OPTIONS.map(({ env }) => env), ...Object.keys(ERROR_TABLE)]);
    for (const code of warningCodes()) known.add(code);
    // A misspelt setting is the README's example of a near miss.
    known.add('CONFIDENCE_HIHG');
    const named = [...read('README.md').matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(=[^`]*)?`/g)].map(
      (match) => match[1]!,
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('refuses a README without the markers', () => {
    expect(() => withReadmeTable('# autoblock\n')).toThrow(RangeError);
  });
});

/** Codes that stand in log lines only: runs warn with them and go on. */
function warningCodes(): string[] {
  const runs = resolve(ROOT, 'src/runs');
  return readdirSync(runs).flatMap((file) =>
    Array.from(readFileSync(resolve(runs, file), 'utf8').matchAll(/code: '([A-Z_]+)'/g), ([, code]) => code!),
  );
}
