import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const INSTALL = join(ROOT, 'scripts', 'install.sh');

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'autoblock-root-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function install(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync('bash', [INSTALL, ...args], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** A PATH that holds the given programs only. */
function pathWith(
  programs: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const bin = join(root, 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const { stdout } = spawnSync('bash', ['-c', `command -v ${program}`], { encoding: 'utf8' });
    writeFileSync(join(bin, program), `#!/bin/bash\nexec ${stdout.trim()} "$@"\n`, { mode: 0o755 });
  }
  for (const [program, body] of Object.entries(extra)) {
    writeFileSync(join(bin, program), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  }
  return { ...process.env, PATH: bin };
}

describe('scripts/install.sh', () => {
  it('is valid shell', () => {
    const { status, stderr } = spawnSync('bash', ['-n', INSTALL], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('explains itself', () => {
    expect(install(['--help']).stdout).toContain('--install-toolchain');
  });

  it.each([
    [['--prefx', '/x'], 'unknown option --prefx'],
    [['--prefix'], '--prefix needs a directory'],
    [['--prefix', 'opt'], 'needs an absolute path'],
    [['--prefix', '/opt/a b'], 'may hold letters'],
    [['--prefix', '/'], 'must not be /'],
    [['--prefix', `${ROOT}/sub`], 'must not lie in one another'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = install(args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says what it would do and touches nothing with --dry-run', () => {
    const { status, stdout } = install(['--dry-run', '--root', root]);
    expect(status).toBe(0);
    expect(stdout).toContain('would run: npm ci');
    expect(stdout).toContain(`would write ${root}/etc/autoblock/autoblock.env`);
    expect(readdirSync(root)).toEqual([]);
  });

  it('names the commands when Node or the compiler is missing', () => {
    const bare = ['bash', 'dirname', 'cat', 'tr', 'id'];
    const withoutNode = install(['--dry-run', '--root', '/nowhere'], pathWith(bare));
    expect(withoutNode.status).toBe(3);
    expect(withoutNode.stderr).toMatch(/Node is missing\. Install it: .*(apt-get|dnf)/);
  });

  it('refuses a Node that is too old', () => {
    const env = pathWith(['bash', 'dirname', 'cat', 'tr', 'id', 'npm'], { node: 'echo 20.18.3' });
    const { status, stderr } = install(['--dry-run', '--root', '/nowhere'], env);
    expect(status).toBe(3);
    expect(stderr).toContain('Node 20.18.3 is too old, 20.19 is needed');
  });

  it('names the toolchain packages, and installs them only when asked to', () => {
    const env = pathWith(['bash', 'dirname', 'cat', 'tr', 'id', 'npm', 'node', 'python3']);
    const refused = install(['--dry-run', '--root', '/nowhere'], env);
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain('missing: g++ make');
    const asked = install(['--dry-run', '--root', '/nowhere', '--install-toolchain'], env);
    expect(asked.status).toBe(0);
    expect(asked.stdout).toMatch(/would run: (apt-get|dnf) install -y /);
  });
});

describe('scripts/install.sh into a directory', () => {
  /** npm itself is not run again (a minute, and the network): its `ci` takes the packages that are here. */
  const NPM = `case $1 in ci) ln -s ${ROOT}/node_modules node_modules ;; prune | --version) ;; *) exit 1 ;; esac`;

  function installForReal() {
    const bin = join(root, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'npm'), `#!/bin/bash\n${NPM}\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
    // A hardened root: what the user of the service needs must be reachable all the same.
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `umask 077 && exec bash ${INSTALL} --root ${root} --prefix /srv/autoblock`],
      { encoding: 'utf8', env },
    );
    return { status, stdout, stderr };
  }

  it('installs a program that runs, and an upgrade keeps the settings and the version before', () => {
    const first = installForReal();
    expect(first, first.stdout + first.stderr).toMatchObject({ status: 0 });
    expect(first.stdout).toContain('ok      better-sqlite3');
    expect(first.stdout).toMatch(/ok {6}SQLite 3\.\S+ opens a database/);

    const program = join(root, 'srv/autoblock');
    expect(existsSync(join(program, 'src'))).toBe(false);
    const version = spawnSync(process.execPath, [join(program, 'scripts/autoblock.mjs'), '--version'], {
      encoding: 'utf8',
    });
    expect(version).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' });

    const unit = readFileSync(join(root, 'etc/systemd/system/autoblock.service'), 'utf8');
    expect(unit).toMatch(/^ExecStart=\/\S*node \/srv\/autoblock\/scripts\/autoblock\.mjs run$/m);
    expect(unit).not.toContain('/opt/autoblock');
    const command = readFileSync(join(root, 'usr/local/bin/autoblock'), 'utf8');
    expect(command).toContain(
      '--env-file=/etc/autoblock/autoblock.env /srv/autoblock/scripts/autoblock.mjs "$@"',
    );
    // Else `autoblock panic` would find no password where the service has it from systemd.
    expect(command).toContain('handed=/run/credentials/autoblock.service\n');
    expect(spawnSync('sh', ['-n', join(root, 'usr/local/bin/autoblock')])).toMatchObject({ status: 0 });

    const modeOf = (path: string) => statSync(join(root, path)).mode & 0o777;
    expect(modeOf('srv/autoblock')).toBe(0o755);
    expect(modeOf('etc/autoblock')).toBe(0o755);
    expect(modeOf('var/lib/autoblock')).toBe(0o700);
    expect(modeOf('usr/local/bin/autoblock')).toBe(0o755);
    const settings = join(root, 'etc/autoblock/autoblock.env');
    expect(statSync(settings).mode & 0o777).toBe(0o640);
    expect(readFileSync(settings, 'utf8')).toContain('\nSTATE_DIR=/var/lib/autoblock\n');
    writeFileSync(settings, 'SEED=7\n');

    const second = installForReal();
    expect(second, second.stdout + second.stderr).toMatchObject({ status: 0 });
    expect(readFileSync(settings, 'utf8')).toBe('SEED=7\n');
    expect(existsSync(`${program}.previous/dist/cli/main.js`)).toBe(true);
    expect(existsSync(`${program}.new`)).toBe(false);
  }, 240_000);
});
