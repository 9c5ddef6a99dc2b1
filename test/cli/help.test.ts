import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { autoblock, temporaryHome } from '../support/cli.ts';

/** Every command with all of its options, as the README promises them. */
const OPTIONS_OF = {
  run: ['once'],
  detect: ['dry-run', 'as-of', 'json'],
  train: ['source', 'days', 'as-of', 'flows', 'json'],
  import: ['shift-to', 'router-id', 'json'],
  sync: ['router', 'dry-run', 'confirm-removal', 'json'],
  review: ['status', 'seconds', 'note', 'json'],
  blocks: ['file', 'seconds', 'reason', 'skip-protected', 'skip-missing', 'origin', 'address', 'json'],
  panic: ['reason', 'yes', 'json'],
  resume: ['lift-automatic', 'reason', 'json'],
  audit: ['since', 'until', 'router', 'address', 'actor', 'action', 'limit', 'json'],
  models: ['json'],
  report: ['days', 'compare', 'json'],
  routers: ['apply', 'remove', 'method', 'wan', 'yes', 'json'],
  status: ['check', 'json'],
  config: ['json'],
  selftest: ['seed', 'json'],
  evaluate: ['window-minutes', 'protocol', 'seeds', 'json'],
  validate: ['dataset', 'sample', 'json'],
  demo: ['seed', 'json', 'keep'],
} as const;
const COMMANDS = Object.keys(OPTIONS_OF);

const home = temporaryHome();
const run = (...args: string[]) => autoblock(args, home);

afterAll(() => home.remove());

describe('autoblock without a command', () => {
  it('lists every command, the exit codes and examples under --help, -h and help', async () => {
    const [long, short, word] = await Promise.all([run('--help'), run('-h'), run('help')]);
    expect(long.code).toBe(0);
    expect(short.stdout).toBe(long.stdout);
    expect(word.stdout).toBe(long.stdout);
    const listed = /Commands:\n([\s\S]*?)\n\n/.exec(long.stdout)![1]!.split('\n');
    expect(listed.map((line) => line.trim().split(/\s+/)[0])).toEqual(COMMANDS);
    for (const part of ['Usage:', 'Exit codes:', 'Examples:', '.env']) expect(long.stdout).toContain(part);
  });

  it('shows the same page and exits 2 when nothing was asked', async () => {
    const { code, stdout } = await run();
    expect(code).toBe(2);
    expect(stdout).toContain('Commands:');
  });

  it('prints the version of package.json', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await run('--version')).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });
});

describe('the help of each command', () => {
  it.each(Object.entries(OPTIONS_OF))('tells %s in full', async (name, options) => {
    const { code, stdout } = await run(name, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`\nUsage:\n {2}autoblock ${name}`));
    expect(stdout).toMatch(new RegExp(`\nExamples:\n(.*\n)* {2}(.*)autoblock ${name}`));
    const listed = /\nOptions:\n([\s\S]*?)\n\n/.exec(stdout)![1]!.split('\n');
    expect(listed.map((line) => line.trim().split(/\s+/)[0])).toEqual(
      [...options, 'help'].map((option) => `--${option}`),
    );
    for (const line of listed) expect(line).toMatch(/^ {2}--[a-z-]+( [A-Z]+| now)? {2,}\S/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('is shown by "help COMMAND" too', async () => {
    const [asked, option] = await Promise.all([run('help', 'blocks'), run('blocks', '--help')]);
    expect(asked).toMatchObject({ code: 0, stdout: option.stdout });
  });
});

describe('the README', () => {
  it('prints only commands and options that exist', () => {
    const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
    const known: Readonly<Record<string, readonly string[]>> = OPTIONS_OF;
    const printed = [...readme.matchAll(/(?:^|[`|&] *)autoblock ([a-z]+)([^`|&#\n]*)/gm)];
    expect(printed.length).toBeGreaterThan(60);
    const wrong = printed.filter(([, command = '', rest = '']) => {
      const options = Array.from(rest.matchAll(/ --([a-z-]+)/g), ([, option]) => option!);
      return options.some((option) => !(known[command] ?? []).includes(option)) || !(command in known);
    });
    expect(wrong.map(([text]) => text)).toEqual([]);
  });
});

describe('what is not understood', () => {
  it.each([
    { asked: 'blok', found: '"blok"', instead: COMMANDS },
    { asked: 'help blok', found: '"blok"', instead: COMMANDS },
    { asked: 'detect --dryrun', found: '"--dryrun"', instead: ['--dry-run', '--as-of', '--json'] },
    { asked: 'detect --as-of', found: '--as-of', instead: ['argument missing'] },
    { asked: 'status now', found: '"now"', instead: ['nothing'] },
    { asked: 'blocks', found: 'blocks: got "nothing"', instead: ['list', 'add', 'remove', 'extend'] },
    { asked: 'blocks ban 203.0.113.7', found: '"ban"', instead: ['list', 'add', 'remove'] },
    { asked: 'blocks list 203.0.113.7', found: '"203.0.113.7"', instead: ['nothing'] },
    { asked: 'blocks add', found: 'blocks', instead: ['no address'] },
    { asked: 'blocks remove --address 203.0.113.7', found: '--address', instead: ['not for this verb'] },
    { asked: 'blocks list --origin feed', found: '"feed"', instead: ['auto, review, manual'] },
    { asked: 'panic', found: 'no terminal', instead: ['--yes'] },
    { asked: 'audit --action ban', found: '"ban"', instead: ['block_added', 'entry_removed', 'paused'] },
    { asked: 'audit --since yesterday', found: '"yesterday"', instead: ['ISO 8601', '24h'] },
    { asked: 'audit --limit 0', found: '"0"', instead: ['from 1 to 1000000'] },
    { asked: 'review accept 1', found: '"accept"', instead: ['list', 'show', 'approve', 'reject'] },
    { asked: 'review approve', found: 'review', instead: ['no ID or address'] },
    { asked: 'review list --status open', found: '"open"', instead: ['pending', 'expired', 'all'] },
    { asked: 'models drop', found: '"drop"', instead: ['list', 'show', 'use', 'rollback'] },
    { asked: 'models use', found: 'models use', instead: ['no version'] },
    { asked: 'models rollback 2', found: '"2"', instead: ['nothing'] },
    { asked: 'train --source files', found: '"files"', instead: ['database', 'flows'] },
    { asked: 'train --source flows', found: 'flows', instead: ['--flows FILE'] },
    { asked: 'import', found: 'import', instead: ['no file'] },
    { asked: 'validate', found: 'validate', instead: ['--dataset DIR'] },
    { asked: 'validate --dataset . --sample 2', found: '"2"', instead: ['0.01 to 1'] },
    { asked: 'evaluate', found: 'evaluate', instead: ['no file given'] },
    { asked: 'evaluate x.csv --protocol y', found: '"y"', instead: ['site, natural, feedback'] },
    { asked: 'selftest --seed x', found: '"x"', instead: ['whole number'] },
  ])('exits 2 on "$asked", naming what was found and what there is', async ({ asked, found, instead }) => {
    const { code, stdout, stderr } = await run(...asked.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('autoblock: USAGE: ');
    expect(stderr).toContain(found);
    for (const word of instead) expect(stderr).toContain(word);
    expect(stderr).toContain('autoblock --help');
    expect(stderr).not.toContain('    at ');
  });
});

describe('autoblock whose reader is gone', () => {
  it('ends as if somebody had read it, without a stack', async () => {
    const program = resolve(import.meta.dirname, '../../scripts/autoblock.mjs');
    const child = spawn(process.execPath, [program, 'config'], {
      cwd: home.dir,
      env: { PATH: process.env['PATH'], ...home.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(stderr).toBe('');
  });
});
