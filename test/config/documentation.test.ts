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

  it('explains every code that a log line or an alert can carry', () => {
    const readme = read('README.md');
    const own = warningCodes().filter((code) => !Object.hasOwn(ERROR_TABLE, code));
    expect(own.length).toBeGreaterThan(20);
    expect(own.filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
  });

  it('shows a routers file that is understood, with every key, and has a row for each', () => {
    const readme = read('README.md');
    const example = /```json\n(\[\n[\s\S]*?\n\])\n```/.exec(readme)![1]!;
    const table = /\| key \| default \| what it is \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(readme)![1]!;
    const rows = Array.from(table.matchAll(/^\| (.*?) \|/gm), ([, cell]) => cell!).flatMap((cell) =>
      Array.from(cell.matchAll(/`(\w+)`/g), ([, key]) => key!),
    );
    const used = (JSON.parse(example) as object[]).flatMap((router) => Object.keys(router));
    expect([...new Set(used)].sort()).toEqual([...rows].sort());
    const config = loadConfig({
      env: { ROUTERS_FILE: '/etc/autoblock/routers.json', CREDENTIALS_DIRECTORY: '/run/credentials/x' },
      isCron: validate,
      cwd: '/srv',
      programDir: '/srv',
      readTextFile: (path) =>
        ({
          '/etc/autoblock/routers.json': example,
          '/etc/autoblock/branch-password': 'one\n',
          '/etc/autoblock/autoblock-ca.crt': '-----BEGIN CERTIFICATE-----\n',
          '/run/credentials/x/edge-password': 'two\n',
        })[path]!,
      fileMode: () => 0o600,
    });
    expect(config.routers.map(({ name, password, tls }) => [name, password, tls.mode])).toEqual([
      ['edge', 'two', 'verified'],
      ['branch', 'one', 'verified'],
      ['lab', 'a long random one', 'unverified'],
    ]);
  });

  it('refuses a README without the markers', () => {
    expect(() => withReadmeTable('# autoblock\n')).toThrow(RangeError);
  });
});

/** Codes that stand in log lines and alerts, wherever they are given or named. */
function warningCodes(): string[] {
  const source = resolve(ROOT, 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  const codes = files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      Array.from(
        readFileSync(resolve(source, name), 'utf8').matchAll(
          /\bcode(?::| =) '([A-Z_]+)'|_CODE = '([A-Z_]+)'/g,
        ),
        ([, given, named]) => (given ?? named)!,
      ),
    );
  return [...new Set(codes)];
}
