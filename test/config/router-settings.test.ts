import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validate } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, type Environment, loadConfig } from '../../src/config/load-config.ts';
import type { RouterConfig } from '../../src/config/router-config.ts';
import { messageOf } from '../../src/errors.ts';

const ROUTER = { ROUTER_HOST: 'gw.example.net', ROUTER_USER: 'autoblock' };
const PIN = 'ab'.repeat(32);
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-routers-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function load(env: Environment): Config {
  return loadConfig({ env, isCron: validate, cwd: directory, programDir: directory });
}

function problemsOf(env: Environment): string {
  try {
    load(env);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error('the configuration was accepted');
}

const entry = { name: 'edge', host: '192.0.2.1', user: 'api', password: 'hunter2' };
const fileEnv = (routers: unknown, mode?: number) => ({
  ROUTERS_FILE: write('routers.json', JSON.stringify(routers), mode),
});
const onlyRouter = (routers: unknown): RouterConfig => load(fileEnv(routers)).routers[0]!;

describe('the password of a router', () => {
  it('may lie in a file: its first line, without the newline an editor adds, inner and outer blanks kept', () => {
    const path = write('password', ' two words \r\na second line\n');
    const config = load({ ...ROUTER, ROUTER_PASSWORD_FILE: path });
    expect(config.routers[0]!.password).toBe(' two words ');
    expect(config.warnings).toEqual([]);
  });

  it('comes from the systemd credential when nothing else is said, and only then', () => {
    mkdirSync(join(directory, 'credentials'));
    write('credentials/router-password', 'from-systemd\n', 0o440);
    const env = { ...ROUTER, CREDENTIALS_DIRECTORY: join(directory, 'credentials') };
    expect(load(env).routers[0]!.password).toBe('from-systemd');
    expect(load(env).warnings).toEqual([]);
    expect(load({ ...env, ROUTER_PASSWORD: 'said' }).routers[0]!.password).toBe('said');
    const { password: _, ...rest } = entry;
    const named = fileEnv([{ ...rest, passwordCredential: 'router-password' }]);
    expect(load({ ...named, CREDENTIALS_DIRECTORY: env.CREDENTIALS_DIRECTORY }).routers[0]!.password).toBe(
      'from-systemd',
    );
    expect(problemsOf(named)).toContain(
      'ROUTERS_FILE[0].passwordCredential: got a systemd credential, wanted a unit with LoadCredential=',
    );
  });

  it('is refused when it is missing, empty, unreadable or given twice', () => {
    expect(problemsOf(ROUTER)).toContain('ROUTER_PASSWORD: got nothing');
    const empty = write('empty', '\nsecond\n');
    expect(problemsOf({ ...ROUTER, ROUTER_PASSWORD_FILE: empty })).toContain(
      `ROUTER_PASSWORD_FILE: got ${empty} with an empty first line, wanted a password`,
    );
    expect(problemsOf({ ...ROUTER, ROUTER_PASSWORD_FILE: 'nowhere' })).toContain('(ENOENT)');
    const twice = { ...ROUTER, ROUTER_PASSWORD: 'hunter2', ROUTER_PASSWORD_FILE: empty };
    expect(problemsOf(twice)).toContain('got ROUTER_PASSWORD and ROUTER_PASSWORD_FILE, wanted only one');
    expect(problemsOf(twice)).not.toContain('hunter2');
    const { password: _, ...rest } = entry;
    expect(problemsOf(fileEnv([rest, { ...entry, name: 'b', passwordFile: 'x' }]))).toMatch(
      /ROUTERS_FILE\[0\]: got nothing, wanted exactly one of[^]*ROUTERS_FILE\[1\]: got ROUTERS_FILE\[1\]\.password and ROUTERS_FILE\[1\]\.passwordFile/,
    );
  });

  it.each([0o640, 0o604])(
    'that others may read (mode %o) is warned of, in its file as in the list',
    (mode) => {
      const path = write('password', 'hunter2\n', mode);
      const shown = mode.toString(8).padStart(4, '0');
      expect(load({ ...ROUTER, ROUTER_PASSWORD_FILE: path }).warnings).toEqual([
        `ROUTER_PASSWORD_FILE: ${path} holds a password and others may read it (mode ${shown}): chmod 600 it`,
      ]);
      expect(load(fileEnv([entry], mode)).warnings).toEqual([
        expect.stringContaining('routers.json holds a password'),
      ]);
      const { password: _, ...rest } = entry;
      write('password', 'hunter2\n');
      // A list without passwords may be read by anybody.
      expect(load(fileEnv([{ ...rest, passwordFile: 'password' }], mode)).warnings).toEqual([]);
    },
  );
});

describe('whom a router is believed to be', () => {
  it.each([
    ['as openssl prints it', PIN.toUpperCase().replace(/(..)(?=.)/g, '$1:')],
    ['in digits', PIN],
    ['with its algorithm', `sha256:${PIN}`],
  ])('may be pinned by a fingerprint %s', (_how, text) => {
    const env = { ...ROUTER, ROUTER_PASSWORD: 'x', ROUTER_FINGERPRINT: text };
    expect(load(env).routers[0]!.tls).toEqual({ mode: 'verified', caPem: null, fingerprint: PIN });
    expect(onlyRouter([{ ...entry, fingerprint: text }]).tls).toMatchObject({ fingerprint: PIN });
  });

  it('may be told by an authority, of the one router as well', () => {
    const env = { ...ROUTER, ROUTER_PASSWORD: 'x', ROUTER_CA_FILE: write('ca.pem', PEM) };
    expect(load(env).routers[0]!.tls).toEqual({ mode: 'verified', caPem: PEM, fingerprint: null });
  });

  it('may be left open for one router alone, and that is warned of', () => {
    const config = load(
      fileEnv([
        { ...entry, insecure: true },
        { ...entry, name: 'b', host: '192.0.2.2' },
      ]),
    );
    expect(config.routers.map(({ tls }) => tls.mode)).toEqual(['unverified', 'verified']);
    expect(config.warnings).toEqual([expect.stringContaining('router edge is reached over TLS that is not')]);
    const env = { ...ROUTER, ROUTER_PASSWORD: 'x', ROUTER_TLS_INSECURE: 'true' };
    expect(load(env).routers[0]!.tls).toEqual({ mode: 'unverified' });
  });

  it('is refused where the settings contradict each other or are no fingerprint', () => {
    write('ca.pem', PEM);
    const message = problemsOf(
      fileEnv([
        { ...entry, fingerprint: 'abcd' },
        { ...entry, name: 'b', insecure: true, fingerprint: PIN },
        { ...entry, name: 'c', tls: false, insecure: true, ca: 'ca.pem' },
      ]),
    );
    expect(message).toContain('ROUTERS_FILE[0].fingerprint: got "abcd", wanted the SHA-256 fingerprint');
    expect(message).toContain('ROUTERS_FILE[1].fingerprint');
    expect(message).toContain('where any certificate is accepted (ROUTERS_FILE[1].insecure)');
    expect(message).toContain('ROUTERS_FILE[2].ca: got ca.pem, wanted no `ca` where tls is false');
    expect(message).toContain('ROUTERS_FILE[2].insecure: got true, wanted false or ROUTERS_FILE[2].tls true');
  });
});

describe('what a router gets', () => {
  it('may be limited: lists, families, origins, size, pace, dry run', () => {
    const limits = {
      addressList: 'bad4',
      addressListV6: 'bad6',
      scope: { families: ['ipv6'], origins: ['manual', 'review'] },
      dryRun: true,
      maxEntries: 5000,
      commandsInFlight: 8,
    };
    expect(onlyRouter([{ ...entry, ...limits }])).toMatchObject({
      addressListV4: 'bad4',
      addressListV6: 'bad6',
      scope: { families: [6], origins: ['manual', 'review'] },
      dryRun: true,
      maxEntries: 5000,
      commandsInFlight: 8,
    });
  });

  it('is by default what the environment says for all', () => {
    const env = { ...fileEnv([entry, { ...entry, name: 'b', addressList: 'own' }]), ADDRESS_LIST: 'four' };
    const lists = (config: Config) =>
      config.routers.map(({ addressListV4, addressListV6 }) => [addressListV4, addressListV6]);
    expect(lists(load(env))).toEqual([
      ['four', 'four'],
      ['own', 'own'],
    ]);
    expect(lists(load({ ...env, ADDRESS_LIST_V6: 'six' }))).toEqual([
      ['four', 'six'],
      ['own', 'own'],
    ]);
    expect(load({ ...env, ROUTER_MAX_ENTRIES: '7' }).routers[0]!.maxEntries).toBe(7);
  });

  it('is refused when out of range, all at once', () => {
    const message = problemsOf(
      fileEnv([
        { ...entry, commandsInFlight: 7 },
        { ...entry, name: 'b', maxEntries: 0 },
        { ...entry, name: 'c', scope: { families: [], origins: ['robot'] } },
        { ...entry, name: 'd', addressListV6: '"' },
      ]),
    );
    for (const place of ['[0].commandsInFlight', '[1].maxEntries', '[2].scope.families']) {
      expect(message).toContain(`ROUTERS_FILE${place}`);
    }
    expect(message).toContain('ROUTERS_FILE[2].scope.origins[0]');
    expect(message).toContain('ROUTERS_FILE[3].addressListV6: got "\\""');
  });

  it('has a name a terminal may print, and no secret is repeated, wherever it was written', () => {
    const message = problemsOf(
      fileEnv([
        { ...entry, name: 'edge\u001b[2J' },
        { ...entry, name: 'b', password: undefined, passwordCredential: 'se cret-1' },
      ]),
    );
    expect(message).toContain(
      'ROUTERS_FILE[0].name: got "edge\\u001b[2J", wanted text without control characters',
    );
    expect(message).toContain('ROUTERS_FILE[1].passwordCredential: got [masked]');
    expect(message).not.toContain('se cret');
  });

  it('is kept by one entry alone: two for one list of one router would undo each other for ever', () => {
    const scoped = (name: string, more: object) => ({ ...entry, name, ...more });
    const message = problemsOf(
      fileEnv([
        scoped('a', { host: '2001:db8::1', scope: { families: ['ipv4'] } }),
        scoped('b', {
          host: '2001:DB8:0::1',
          scope: { families: ['ipv6'] },
          addressList: 'own',
          addressListV6: 'autoblock',
        }),
      ]),
    );
    expect(message).toContain(
      'ROUTERS_FILE[1]: got 2001:DB8:0::1 port 8729, address lists own and autoblock',
    );
    expect(message).toContain('router "a" keeps the same one');
    const apart = [
      scoped('a', {}),
      scoped('b', { addressList: 'own' }),
      scoped('c', { port: 18_729 }),
      scoped('d', { host: '192.0.2.2' }),
    ];
    expect(load(fileEnv(apart)).routers).toHaveLength(4);
  });
});
