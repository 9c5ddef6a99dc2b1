import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPTS = ['autoblock.mjs', 'bootstrap.mjs', 'child-process.mjs', 'process-lock.mjs'];
const MAIN = `export async function main(argv: readonly string[]): Promise<number> {
  await Promise.resolve();
  process.stdout.write(JSON.stringify({ argv, greeting: 'one' }));
  return argv.includes('--fail') ? 4 : 0;
}
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout of its own with our scripts, a tiny program and the packages of this one. */
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'autoblock-checkout-'));
  mkdirSync(join(checkout, 'scripts'));
  mkdirSync(join(checkout, 'src', 'cli'), { recursive: true });
  for (const script of SCRIPTS)
    copyFileSync(join(ROOT, 'scripts', script), join(checkout, 'scripts', script));
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    copyFileSync(join(ROOT, file), join(checkout, file));
  }
  // The lockfile npm really installed from: then there is nothing to install.
  copyFileSync(join(ROOT, 'node_modules', '.package-lock.json'), join(checkout, 'package-lock.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  writeFileSync(join(checkout, 'src', 'cli', 'main.ts'), MAIN);
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

function autoblock(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(checkout, 'scripts', 'autoblock.mjs'), ...args], { env });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.once('error', fail);
    child.once('close', (code) => done({ code, ...output }));
  });
}

/** A checkout without packages whose `npm` is a script that notes its arguments. */
function withNpm(body: string): NodeJS.ProcessEnv {
  rmSync(join(checkout, 'node_modules'));
  const bin = join(checkout, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$@" >> ${checkout}/npm-calls\n${body}\n`, {
    mode: 0o755,
  });
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
}

describe('scripts/autoblock.mjs in a checkout', () => {
  it('builds once, keeps stdout for the command and passes arguments and exit code on', async () => {
    const first = await autoblock(['x', '--fail']);
    expect(first).toMatchObject({ code: 4, stdout: '{"argv":["x","--fail"],"greeting":"one"}' });
    expect(first.stderr).toContain('building dist');
    expect(await autoblock([])).toEqual({ code: 0, stdout: '{"argv":[],"greeting":"one"}', stderr: '' });
  });

  it('builds anew after a change and forgets files that are gone', async () => {
    writeFileSync(join(checkout, 'src', 'old.ts'), 'export const old = 1;\n');
    await autoblock([]);
    rmSync(join(checkout, 'src', 'old.ts'));
    writeFileSync(join(checkout, 'src', 'cli', 'main.ts'), MAIN.replace("'one'", "'two'"));
    expect((await autoblock([])).stdout).toContain('"two"');
    expect(existsSync(join(checkout, 'dist', 'old.js'))).toBe(false);
  });

  it('keeps the last good build when the sources do not compile, and says what is wrong', async () => {
    await autoblock([]);
    const built = statSync(join(checkout, 'dist')).ino;
    writeFileSync(join(checkout, 'src', 'cli', 'main.ts'), 'export const main: number = "text";\n');
    const broken = await autoblock([]);
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toContain('TS2322');
    expect(statSync(join(checkout, 'dist')).ino).toBe(built);
  });

  it('lets only one of several processes build', async () => {
    const ended = await Promise.all([autoblock(['1']), autoblock(['2']), autoblock(['3'])]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(ended.filter(({ stderr }) => stderr.includes('building dist'))).toHaveLength(1);
  });

  it('takes over the lock of a process that died', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(join(checkout, '.autoblock'));
    writeFileSync(join(checkout, '.autoblock', 'bootstrap.lock'), String(dead));
    expect((await autoblock([])).code).toBe(0);
    expect(existsSync(join(checkout, '.autoblock', 'bootstrap.lock'))).toBe(false);
  });

  it('installs what is missing before it builds', async () => {
    const env = withNpm(`echo to-stdout; ln -s ${ROOT}/node_modules node_modules`);
    const ended = await autoblock([], env);
    expect(ended).toMatchObject({ code: 0, stdout: '{"argv":[],"greeting":"one"}' });
    expect(ended.stderr).toContain('to-stdout');
    expect(readFileSync(join(checkout, 'npm-calls'), 'utf8')).toMatch(
      /^ci --include=dev --include=optional /,
    );
  });

  it('installs when package-lock.json asks for another version', async () => {
    const path = join(checkout, 'package-lock.json');
    const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, { version: string }> };
    lock.packages['node_modules/pg']!.version = '8.0.0';
    writeFileSync(path, JSON.stringify(lock));
    const ended = await autoblock([], withNpm('exit 1'));
    expect(ended.code).toBe(3);
    expect(readFileSync(join(checkout, 'npm-calls'), 'utf8').split('\n')[0]).toMatch(/^ci /);
  });

  it('goes on without the optional packages whose entries the lockfile lacks', async () => {
    const path = join(checkout, 'package-lock.json');
    const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, object> };
    lock.packages['node_modules/pg'] = {
      ...lock.packages['node_modules/pg'],
      optionalDependencies: { absent: '1' },
    };
    writeFileSync(path, JSON.stringify(lock));
    const env = withNpm(`[ "$1" = install ] || exit 1; ln -s ${ROOT}/node_modules node_modules`);
    expect((await autoblock([], env)).code).toBe(0);
    const calls = readFileSync(join(checkout, 'npm-calls'), 'utf8').trim().split('\n');
    expect(calls.map((call) => call.split(' ').slice(0, 2))).toEqual([
      ['ci', '--include=dev'],
      ['install', '--no-save'],
    ]);
  });

  it('names the compiler packages when the installation fails', async () => {
    const ended = await autoblock([], withNpm('exit 7'));
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toContain('npm exit 7');
    expect(ended.stderr).toContain('apt-get install -y g++ make python3');
    expect(ended.stderr).toContain('dnf install -y gcc-c++ make python3');
  });
});

describe('scripts/autoblock.mjs elsewhere', () => {
  it('just runs in an installed package, which has no sources', async () => {
    await autoblock([]);
    rmSync(join(checkout, 'src'), { recursive: true });
    rmSync(join(checkout, 'package-lock.json'));
    expect(await autoblock(['a'])).toEqual({
      code: 0,
      stdout: '{"argv":["a"],"greeting":"one"}',
      stderr: '',
    });
  });

  it('says so when an installation is incomplete', async () => {
    rmSync(join(checkout, 'src'), { recursive: true });
    const ended = await autoblock([]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^autoblock: .*main\.js is missing: the installation is incomplete\n$/);
  });

  it('tells an old Node what is needed, in syntax that old Nodes read', () => {
    const script = readFileSync(join(ROOT, 'scripts', 'autoblock.mjs'), 'utf8').replace(/^#!.*\n/, '');
    // As Node 12 would see it: nothing newer than ES2019, no static import; only the version is made up.
    expect(script).not.toMatch(/^import |\?\.|\?\?|await /m);
    const asOld = `Object.defineProperty(process.versions, 'node', { value: '20.18.3' });${script}`;
    const ended = spawnSync(process.execPath, ['-e', asOld], { encoding: 'utf8' });
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain('this is Node 20.18.3, but Node 20.19 or newer is needed');
  });
});

describe('package-lock.json', () => {
  it('has an entry for every optional package that is named in it, or npm ci refuses it', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const paths = Object.keys(lock.packages);
    const missing = Object.values(lock.packages)
      .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
      .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });
});
