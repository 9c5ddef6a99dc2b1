import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { validate } from 'node-cron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, type Environment, loadConfig } from '../../src/config/load-config.ts';
import type { Option } from '../../src/config/option.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { AutoblockError } from '../../src/errors.ts';

const options: readonly Option[] = OPTIONS;
const ROUTER = { ROUTER_HOST: 'gw.example.net', ROUTER_USER: 'autoblock', ROUTER_PASSWORD: 'geheim' };

const VERIFIED = { mode: 'verified', caPem: null, fingerprint: null };
const DEFAULTS = {
  addressListV4: 'autoblock',
  addressListV6: 'autoblock',
  scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
  dryRun: false,
  maxEntries: 30_000,
  commandsInFlight: 64,
};

function load(env: Environment): Config {
  return loadConfig({ env, isCron: validate, cwd: '/srv/site', programDir: '/opt/autoblock' });
}

function problemsOf(env: Environment): string {
  try {
    load(env);
  } catch (error) {
    expect(error).toBeInstanceOf(AutoblockError);
    expect((error as AutoblockError).code).toBe('CONFIG_INVALID');
    return (error as AutoblockError).message;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig without any setting', () => {
  it('gives the documented defaults', () => {
    expect(load({})).toEqual({
      databaseUrl: null,
      logsRelation: 'network_logs',
      hoursBack: 1,
      maxRecords: 1_000_000,
      windowMinutes: 5,
      internalNetworks: [
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '100.64.0.0/10',
        '169.254.0.0/16',
        'fc00::/7',
        'fe80::/10',
      ],
      stateDir: '/srv/site/.autoblock',
      modelsDir: '/opt/autoblock/models',
      detectCron: '*/5 * * * *',
      retrainCron: '0 3 * * 0',
      cronTimezone: 'UTC',
      useHybridDetector: true,
      shadowDetector: 'none',
      trainDays: 7,
      eifContamination: 0.03,
      eifNEstimators: 250,
      eifSampleSize: 256,
      chi2TopK: 18,
      seed: 42,
      confidenceHigh: 95,
      confidenceMedium: 70,
      autoBlock: true,
      blockInternal: false,
      dryRun: false,
      allowlist: [],
      blockLadder: [3600, 21_600, 86_400, 604_800],
      offenceDecayDays: 14,
      blockSeconds: 86_400,
      blockIpv6Prefix: 64,
      rollUpNeighbours: 0,
      maxBlocksPerRun: 50,
      maxBlocksTotal: 30_000,
      auditDays: 365,
      routersFile: null,
      addressList: 'autoblock',
      addressListV6: null,
      routerMaxEntries: 30_000,
      maxRemovalShare: 0.5,
      routerSyncSeconds: 600,
      logLevel: 'info',
      routers: [],
      warnings: [],
    });
  });

  it.each([
    { active: 'hybrid', setting: 'true', other: 'legacy' },
    { active: 'legacy', setting: 'false', other: 'hybrid' },
  ])('refuses the active detector ($active) as its own shadow and says what to do', (given) => {
    const { active, setting, other } = given;
    const env = (shadow: string) => ({ USE_HYBRID_DETECTOR: setting, SHADOW_DETECTOR: shadow });
    expect(load(env(other)).shadowDetector).toBe(other);
    expect(load(env('none')).shadowDetector).toBe('none');
    expect(() => load(env(active))).toThrow(
      `SHADOW_DETECTOR: got "${active}", which is the active detector (USE_HYBRID_DETECTOR=${setting}), ` +
        `wanted ${other} or none; to look at ${active} without acting on it, set USE_HYBRID_DETECTOR=${setting === 'false'}`,
    );
  });

  it('takes an empty or blank variable for an absent one', () => {
    const blank = Object.fromEntries(options.map((option) => [option.env, ' ']));
    expect(load(blank)).toEqual(load({}));
  });

  it('holds defaults that the table itself accepts', () => {
    const env = Object.fromEntries(
      options
        .filter((option) => option.default !== null && !option.env.startsWith('ROUTER'))
        .map((option) => [option.env, String(option.default)]),
    );
    const { modelsDir, ...fromText } = load(env);
    const { modelsDir: defaultModelsDir, ...fromDefaults } = load({});
    expect(fromText).toEqual(fromDefaults);
    // A path that is written down is seen from the working directory, the default one from the program.
    expect([modelsDir, defaultModelsDir]).toEqual(['/srv/site/models', '/opt/autoblock/models']);
  });
});

describe('loadConfig with settings', () => {
  it.each([
    ['true', true],
    ['YES', true],
    ['1', true],
    ['on', true],
    ['False', false],
    ['no', false],
    ['0', false],
    ['off', false],
  ])('reads the boolean %s as %s', (text, expected) => {
    expect(load({ DRY_RUN: text }).dryRun).toBe(expected);
  });

  it('makes networks canonical and drops repetitions', () => {
    const { allowlist } = load({
      ALLOWLIST: '192.0.2.77/24, 2001:DB8:0::1  ::ffff:203.0.113.7,203.0.113.7/32',
    });
    expect(allowlist).toEqual(['192.0.2.0/24', '2001:db8::1', '203.0.113.7']);
  });

  it('accepts whole numbers in their range and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: -300, max: 300 }), (hours) => {
        const env = { HOURS_BACK: String(hours) };
        if (hours >= 1 && hours <= 168) expect(load(env).hoursBack).toBe(hours);
        else expect(problemsOf(env)).toContain('HOURS_BACK');
      }),
    );
  });

  it.each(['1.5', '0x10', '1e2', '5 hours', 'NaN', '--1'])('refuses %s as a whole number', (text) => {
    expect(problemsOf({ HOURS_BACK: text })).toBe(
      `the configuration has 1 problem:\n  HOURS_BACK: got "${text}", wanted a whole number from 1 to 168`,
    );
  });

  it.each([
    ['EIF_CONTAMINATION', '0.009', 'a number from 0.01 to 0.05'],
    ['CONFIDENCE_HIGH', '99', 'a number from 90 to 98'],
    ['CONFIDENCE_MEDIUM', '59', 'a number from 60 to 80'],
    ['CHI2_TOP_K', '26', 'a whole number from 15 to 25'],
    ['BLOCK_SECONDS', '21474837', 'a whole number from 60 to 21474836'],
    ['DETECT_CRON', '61 * * * *', 'a cron expression'],
    ['CRON_TIMEZONE', 'Europe/Atlantis', 'a time zone name'],
    ['USE_HYBRID_DETECTOR', 'maybe', 'true or false'],
    ['LOG_LEVEL', 'loud', 'one of trace, debug, info, warn, error, fatal, silent'],
    ['LOGS_RELATION', 'logs; drop table x', 'the name of a table or view'],
    ['ADDRESS_LIST', '"quoted"', 'a list name'],
    ['ALLOWLIST', '10.0.0.0/8, router.lan', 'not one: router.lan'],
    ['ROUTER_HOST', 'gw:8729', 'a host name or an IP address'],
    ['ROUTER_HOST', '10.0.0', 'a host name or an IP address'],
    ['DATABASE_URL', 'mysql://localhost/logs', 'postgresql://user:password@host:port/database'],
  ])('refuses %s=%s and says what is wanted', (name, text, wanted) => {
    const message = problemsOf({ [name]: text });
    expect(message).toContain(`  ${name}: got "`);
    expect(message).toContain(wanted);
  });

  it('accepts a database behind a Unix socket', () => {
    const url = 'postgresql:///traffic?host=/run/postgresql';
    expect(load({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  it('reports every problem at once', () => {
    const message = problemsOf({ HOURS_BACK: '0', SEED: 'x', CHI2_TOP_K: '3', ROUTER_HOST: 'gw' });
    expect(message.split('\n')).toEqual([
      'the configuration has 5 problems:',
      '  HOURS_BACK: got "0", wanted a whole number from 1 to 168',
      '  CHI2_TOP_K: got "3", wanted a whole number from 15 to 25',
      '  SEED: got "x", wanted a whole number from 0 to 4294967295',
      '  ROUTER_USER: got nothing, wanted a value, because ROUTER_HOST is set',
      '  ROUTER_PASSWORD: got nothing, wanted a value, because ROUTER_HOST is set ' +
        '(or ROUTER_PASSWORD_FILE, or the systemd credential router-password)',
    ]);
  });

  it('never shows a password in a problem', () => {
    const message = problemsOf({ DATABASE_URL: 'mysql://me:hunter2@db/logs?sslpassword=hunter2' });
    expect(message).not.toContain('hunter2');
    expect(message).toContain('mysql://me:***@db/logs');
    expect(problemsOf({ DATABASE_URL: 'me:hunter2@db' })).not.toContain('hunter2');
  });
});

describe('loadConfig with one router', () => {
  it('talks to api-ssl by default', () => {
    expect(load(ROUTER).routers).toEqual([
      {
        name: 'gw.example.net',
        host: 'gw.example.net',
        port: 8729,
        user: 'autoblock',
        password: 'geheim',
        tls: VERIFIED,
        ...DEFAULTS,
      },
    ]);
  });

  it('takes the plain port and warns when TLS is off', () => {
    const config = load({ ...ROUTER, ROUTER_TLS: 'false', ADDRESS_LIST: 'bad guys' });
    expect(config.routers[0]).toMatchObject({
      ...{ port: 8728, tls: { mode: 'plain' } },
      ...{ addressListV4: 'bad guys', addressListV6: 'bad guys' },
    });
    expect(config.warnings).toEqual([
      'router gw.example.net is reached without TLS: its password crosses the network in plain text',
    ]);
  });

  it('keeps the outer spaces of a password', () => {
    expect(load({ ...ROUTER, ROUTER_PASSWORD: ' a b ' }).routers[0]?.password).toBe(' a b ');
  });

  it('does not keep the password a second time', () => {
    expect(JSON.stringify(load(ROUTER)).match(/geheim/g)).toHaveLength(1);
  });

  it('warns about router settings that have no router', () => {
    expect(load({ ROUTER_USER: 'autoblock', ROUTER_TLS: 'true' }).warnings).toEqual([
      'ROUTER_USER has no effect without ROUTER_HOST',
      'ROUTER_TLS has no effect without ROUTER_HOST',
    ]);
  });
});

describe('warnings about misspelt settings', () => {
  it.each([
    ['CONFIDENCE_HIHG', 'CONFIDENCE_HIGH'],
    ['AUTOBLOCK', 'AUTO_BLOCK'],
    ['hours_back', 'HOURS_BACK'],
    ['ALLOW_LIST', 'ALLOWLIST'],
  ])('takes %s for %s', (wrong, meant) => {
    expect(load({ [wrong]: '1' }).warnings).toEqual([
      `${wrong} is not a setting and has no effect; did you mean ${meant}?`,
    ]);
  });

  it('leaves the usual environment of a shell alone', () => {
    const usual = [
      'PATH',
      'HOME',
      'USER',
      'LOGNAME',
      'SHELL',
      'TERM',
      'PWD',
      'LANG',
      'NODE_ENV',
      'SEEDS',
      'EDITOR',
    ];
    expect(load(Object.fromEntries(usual.map((name) => [name, 'x']))).warnings).toEqual([]);
  });
});

describe('loadConfig with a routers file', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'autoblock-config-'));
    path = join(directory, 'routers.json');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const entry = { name: 'edge', host: '192.0.2.1', user: 'api', password: 'hunter2' };
  const loadFile = (content: unknown): Config => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return load({ ROUTERS_FILE: path });
  };
  const fileProblems = (content: unknown): string => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return problemsOf({ ROUTERS_FILE: path });
  };

  it('reads every router, with defaults and its own certificate authority', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    writeFileSync(join(directory, 'ca.pem'), pem);
    const { routers } = loadFile([
      { ...entry, ca: 'ca.pem' },
      { ...entry, name: 'branch', port: 9000, tls: false, addressList: 'drop' },
    ]);
    expect(routers).toEqual([
      { ...entry, ...DEFAULTS, port: 8729, tls: { ...VERIFIED, caPem: pem } },
      {
        ...{ ...entry, ...DEFAULTS, name: 'branch', port: 9000, tls: { mode: 'plain' } },
        ...{ addressListV4: 'drop', addressListV6: 'drop' },
      },
    ]);
  });

  it('names the place of every problem and shows no password', () => {
    const message = fileProblems([
      { ...entry, prot: 1 },
      { ...entry, port: 0 },
      { host: 'https://gw', user: '', password: 5 },
    ]);
    expect(message).toContain('ROUTERS_FILE[0]: got an object, wanted Unrecognized key: "prot"');
    expect(message).toContain('ROUTERS_FILE[1].port: got 0');
    expect(message).toContain('ROUTERS_FILE[2].name: got nothing');
    expect(message).toContain('ROUTERS_FILE[2].host: got "https://gw", wanted a host name');
    expect(message).toContain('ROUTERS_FILE[2].password: got [masked]');
    expect(message).not.toContain('hunter2');
  });

  it('refuses a name used twice', () => {
    expect(fileProblems([entry, entry])).toContain(
      'ROUTERS_FILE[1].name: got edge, wanted a name no other router has',
    );
  });

  it('refuses an empty list', () => {
    expect(fileProblems([])).toContain('ROUTERS_FILE: got a list');
  });

  it('refuses broken JSON without quoting what stands in it', () => {
    const message = fileProblems('[\n{"password": "hunter2" oops}\n]');
    expect(message).toContain('wanted a file with valid JSON (line 2)');
    expect(message).not.toContain('hunter2');
  });

  it('refuses a missing file and a missing or wrong certificate', () => {
    expect(problemsOf({ ROUTERS_FILE: 'nowhere.json' })).toContain(
      'ROUTERS_FILE: got /srv/site/nowhere.json, wanted a file this process can read (ENOENT)',
    );
    expect(fileProblems([{ ...entry, ca: 'no.pem' }])).toContain('ROUTERS_FILE[0].ca');
    expect(fileProblems([{ ...entry, ca: 'routers.json' }])).toContain('a certificate in PEM form');
    expect(fileProblems([{ ...entry, ca: 'routers.json', tls: false }])).toContain(
      'no `ca` where tls is false',
    );
  });

  it('refuses a file and a single router together', () => {
    writeFileSync(path, JSON.stringify([entry]));
    expect(problemsOf({ ...ROUTER, ROUTERS_FILE: path })).toContain('wanted only one of the two');
  });
});
