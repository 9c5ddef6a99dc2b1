import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_RULES } from '../../src/simulator/firewall-rules.ts';
import { type RouterosSimulator, startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { selfSignedCertificate } from '../simulator/certificate.ts';
import { autoblock, type CliEnv, type CliResult, temporaryHome } from '../support/cli.ts';
import { closedPort } from './cli-site.ts';

const PASSWORD = 'geheim-secret';
const RAW = '/ip/firewall/raw';
let home: ReturnType<typeof temporaryHome>;
let simulator: RouterosSimulator;

interface CheckedJson {
  routers: {
    router: string;
    answered: boolean;
    level: string;
    findings: { check: string; level: string; message: string; commands: string[] }[];
  }[];
}

beforeAll(async () => {
  home = temporaryHome();
  simulator = await startSimulator({
    user: 'autoblock',
    password: PASSWORD,
    addresses: ['203.0.113.10/29', '2001:db8:1::1/64'],
    menus: {
      '/ip/route': [
        { 'dst-address': '0.0.0.0/0', gateway: '203.0.113.9', active: 'true', distance: '1' },
        { 'dst-address': '198.18.0.0/15', gateway: '203.0.113.11', active: 'true', distance: '20' },
      ],
      '/ip/dns': [{ servers: '9.9.9.9', 'dynamic-servers': '' }],
      '/user/active': [{ name: 'alice', address: '198.51.100.77', via: 'winbox' }],
    },
  });
});
afterAll(async () => {
  await simulator.close();
  home.remove();
});
beforeEach(() => {
  // Loses every entry with a timeout.
  simulator.reboot();
  for (const menu of Object.keys(DEFAULT_RULES) as (keyof typeof DEFAULT_RULES)[]) {
    simulator.setMenu(menu, DEFAULT_RULES[menu]);
  }
});

function run(args: readonly string[], env: CliEnv = {}): Promise<CliResult> {
  const router = {
    ROUTER_HOST: '127.0.0.1',
    ROUTER_PORT: String(simulator.port),
    ROUTER_USER: 'autoblock',
    ROUTER_PASSWORD: PASSWORD,
    ROUTER_TLS: 'false',
  };
  return autoblock(['routers', ...args], { dir: home.dir, env: { ...home.env, ...router, ...env } });
}

async function check(): Promise<{ code: number | null; level(check: string): string | undefined }> {
  const { code, stdout } = await run(['check', '--json']);
  const { routers } = JSON.parse(stdout) as CheckedJson;
  return { code, level: (name) => routers[0]!.findings.find((one) => one.check === name)?.level };
}

async function installedRecords(): Promise<{ after: string[] }[]> {
  const args = ['audit', '--action', 'rules_installed', '--json'];
  const { stdout } = await autoblock(args, { dir: home.dir, env: home.env });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { after: string[] });
}

/** Comments of the rules in the order they stand. */
function comments(menu: keyof typeof DEFAULT_RULES): (string | undefined)[] {
  return simulator.menu(menu).map((row) => row['comment']);
}

describe('autoblock routers rules', () => {
  it('prints a script for both families without asking the router', async () => {
    const { code, stdout } = await run(['rules', '--wan', 'WAN'], {
      ROUTER_PORT: String(await closedPort()),
    });
    expect(code).toBe(0);
    expect(stdout).toContain(
      '/ip firewall raw add chain=prerouting action=drop src-address-list=autoblock in-interface-list=WAN',
    );
    expect(stdout).toContain('/ipv6 firewall raw add chain=prerouting');
  });

  it('installs them above all that lets pass, reads them back, and changes nothing the second time', async () => {
    expect(await check()).toMatchObject({ code: 1 });
    const first = await run(['rules', '--apply', '--yes']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('the rules stand as read back');
    expect(comments(RAW)).toEqual([
      'special dummy rule to show fasttrack counters',
      'autoblock:rule drop prerouting from autoblock',
    ]);
    expect(comments('/ipv6/firewall/raw')).toEqual(['autoblock:rule drop prerouting from autoblock']);
    const added = simulator.received.get(`${RAW}/add`);
    const second = await run(['rules', '--apply', '--yes']);
    expect(second.stdout).toContain('nothing to do, the rules are as they should be');
    expect(simulator.received.get(`${RAW}/add`)).toBe(added);
    expect(await installedRecords()).toMatchObject([
      {
        action: 'rules_installed',
        router: '127.0.0.1',
        after: [expect.stringContaining('/ip firewall raw'), expect.any(String)],
      },
    ]);
    const after = await check();
    expect([after.code, after.level('drop-rules-v4'), after.level('drop-rules-v6')]).toEqual([0, 'ok', 'ok']);
  });

  it('change the method without a moment in between, and put filter rules above established and FastTrack', async () => {
    await run(['rules', '--apply', '--yes']);
    expect((await run(['rules', '--apply', '--yes', '--method', 'filter'])).code).toBe(0);
    expect(comments(RAW)).toEqual(['special dummy rule to show fasttrack counters']);
    const filter = comments('/ip/firewall/filter');
    expect(filter.indexOf('autoblock:rule drop input from autoblock')).toBeLessThan(
      filter.indexOf('defconf: accept established,related,untracked'),
    );
    expect(filter.indexOf('autoblock:rule drop forward from autoblock')).toBeLessThan(
      filter.indexOf('defconf: fasttrack'),
    );
    expect((await check()).level('drop-rules-v4')).toBe('ok');
  });

  it('are freed of the interface list again', async () => {
    await run(['rules', '--apply', '--yes', '--wan', 'WAN']);
    expect(simulator.menu(RAW).at(-1)).toMatchObject({ 'in-interface-list': 'WAN' });
    expect(await run(['rules', '--apply', '--yes'])).toMatchObject({ code: 0, stderr: '' });
    expect(simulator.menu(RAW).at(-1)).not.toHaveProperty('in-interface-list');
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'cut off at change %i are completed by the second run, nothing doubled, and the audit knows each once',
    async (skip) => {
      await run(['rules', '--apply', '--yes']);
      const known = await installedRecords();
      const change = /firewall\/(raw|filter)\/(add|remove)$/;
      simulator.faults.closeOn = { command: change, skip, reset: true };
      const first = await run(['rules', '--apply', '--yes', '--method', 'filter']);
      expect(first.code).not.toBe(0);
      simulator.faults.closeOn = null;
      await run(['rules', '--apply', '--yes', '--method', 'filter']);
      const ours = (Object.keys(DEFAULT_RULES) as (keyof typeof DEFAULT_RULES)[]).flatMap((menu) =>
        comments(menu).flatMap((text) =>
          text?.startsWith('autoblock:rule') === true ? [`${menu} ${text}`] : [],
        ),
      );
      expect(ours.toSorted()).toEqual([
        '/ip/firewall/filter autoblock:rule drop forward from autoblock',
        '/ip/firewall/filter autoblock:rule drop input from autoblock',
        '/ipv6/firewall/filter autoblock:rule drop forward from autoblock',
        '/ipv6/firewall/filter autoblock:rule drop input from autoblock',
      ]);
      const newest = (await installedRecords()).slice(0, -known.length);
      const told = newest.flatMap(({ after }) => after);
      expect(told).toHaveLength(6);
      expect(new Set(told).size).toBe(6);
    },
  );

  it('takes off its own rules alone', async () => {
    simulator.setMenu(RAW, [
      { chain: 'prerouting', action: 'drop', 'src-address-list': 'autoblock', comment: 'mine' },
    ]);
    await run(['rules', '--apply', '--yes']);
    const { code, stdout } = await run(['rules', '--remove', '--yes']);
    expect(code).toBe(0);
    expect(stdout).toContain('no longer dropped');
    expect(comments(RAW)).toEqual(['mine']);
  });

  it('shows the plan and wants a word when nobody is at a terminal', async () => {
    const { code, stdout, stderr } = await run(['rules', '--apply']);
    expect(code).toBe(2);
    expect(stdout).toContain('add drop rule in /ip firewall raw prerouting for list "autoblock"');
    expect(stderr).toContain('--yes');
    expect(comments(RAW)).toHaveLength(1);
  });

  it('writes nothing in a dry run', async () => {
    const { code, stderr } = await run(['rules', '--apply', '--yes'], { DRY_RUN: 'true' });
    expect(code).toBe(0);
    expect(stderr).toContain('dry run');
    expect(comments(RAW)).toHaveLength(1);
  });

  it('refuses while the list holds the gateway, and the doctor names the command that takes it off', async () => {
    const held = simulator.addForeignEntry({ list: 'autoblock', address: '203.0.113.9', timeout: '1h' });
    const { code, stderr } = await run(['rules', '--apply', '--yes']);
    expect(held).toMatch(/^\*/);
    expect(code).toBe(4);
    expect(stderr).toContain('203.0.113.9 (router 127.0.0.1: gateway of 0.0.0.0/0)');
    expect(comments(RAW)).toHaveLength(1);
    const doctor = await run(['check']);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain(
      '/ip firewall address-list remove [find list=autoblock address=203.0.113.9]',
    );
  });

  it('says why a user without the right to write cannot install them', async () => {
    const groups = simulator.menu('/user/group');
    simulator.setMenu(
      '/user/group',
      groups.map((group) => ({ ...group, policy: 'read,api,!write' })),
    );
    try {
      const applied = await run(['rules', '--apply', '--yes', '--method', 'filter']);
      expect(applied.code).toBe(1);
      expect(applied.stderr).toContain('not enough permissions');
      expect((await check()).level('policies')).toBe('error');
    } finally {
      simulator.setMenu('/user/group', groups);
    }
  });
});

describe('autoblock routers check', () => {
  it('prints every finding with its commands for people', async () => {
    const { stdout } = await run(['check']);
    expect(stdout).toMatch(/^127\.0\.0\.1: error$/m);
    expect(stdout).toMatch(/^ {2}WARN {2}tls: the API is reached without TLS/m);
    expect(stdout).toMatch(/^ {10}\/ip service set api-ssl certificate=autoblock-api disabled=no$/m);
    expect(stdout).toMatch(/^ {2}ERROR drop-rules-v4: no rule drops list "autoblock"/m);
    expect(stdout).not.toContain(PASSWORD);
  });

  it('sees a clock that is wrong', async () => {
    simulator.faults.clockSkewMs = -3_600_000;
    try {
      expect((await check()).level('clock')).toBe('warn');
    } finally {
      simulator.faults.clockSkewMs = 0;
    }
    expect((await check()).level('clock')).toBe('ok');
  });

  it('ends with 3 when a router is away, and tells what the others said', async () => {
    const path = join(home.dir, 'routers.json');
    const common = { host: '127.0.0.1', user: 'autoblock', password: PASSWORD, tls: false };
    const routers = [
      { ...common, name: 'edge', port: simulator.port },
      { ...common, name: 'branch', port: await closedPort() },
      { ...common, name: 'lab', port: simulator.port, addressList: 'lab', password: 'wrong-secret' },
    ];
    writeFileSync(path, JSON.stringify(routers), { mode: 0o600 });
    const env = { ROUTERS_FILE: path, ROUTER_HOST: '' };
    const { code, stdout } = await run(['check', '--json'], env);
    expect(code).toBe(3);
    const found = (JSON.parse(stdout) as CheckedJson).routers;
    expect(found.map(({ router, answered }) => [router, answered])).toEqual([
      ['edge', true],
      ['branch', false],
      ['lab', false],
    ]);
    expect(found[1]!.findings).toMatchObject([{ check: 'reachable', level: 'error' }]);
    expect(found[2]!.findings).toMatchObject([{ check: 'login', level: 'error' }]);
    expect((await run(['check', 'nowhere'], env)).stderr).toContain(
      'no router nowhere; there are edge, branch, lab',
    );
    const { stdout: listed } = await run(['list', '--json'], env);
    expect(listed).not.toContain('secret');
    expect(JSON.parse(listed)).toMatchObject({
      routers: [{ name: 'edge' }, { name: 'branch' }, { name: 'lab' }],
    });
  });
});

describe('autoblock routers protected', () => {
  it('shows what the router tells now, by source', async () => {
    const { code, stdout } = await run(['protected'], { ALLOWLIST: '192.0.2.0/24' });
    expect(code).toBe(0);
    for (const line of [
      /^ALLOWLIST +192\.0\.2\.0\/24 +allowlist +setting$/m,
      /^site +127\.0\.0\.1 +address of router 127\.0\.0\.1 +now$/m,
      /^127\.0\.0\.1 +203\.0\.113\.10 +the router's own address \(\S+\) +now$/m,
      /^127\.0\.0\.1 +2001:db8:1::1 +the router's own address/m,
      /^127\.0\.0\.1 +203\.0\.113\.9 +gateway of 0\.0\.0\.0\/0 +now$/m,
      /^127\.0\.0\.1 +9\.9\.9\.9 +DNS server +now$/m,
      /^127\.0\.0\.1 +198\.51\.100\.77 +alice is logged in from there \(winbox\) +now$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    // eBGP's distance: not asked for.
    expect(stdout).not.toContain('203.0.113.11');
  });

  it('ends with 3 and says so when the router is away', async () => {
    const { code, stdout } = await run(['protected'], { ROUTER_PORT: String(await closedPort()) });
    expect(code).toBe(3);
    expect(stdout).toMatch(/^127\.0\.0\.1: not asked now, shown as remembered: /m);
  });
});

describe('autoblock routers fingerprint', () => {
  it('shows the certificate of a host nothing is configured for, and the line that pins it; the pin then holds', async () => {
    const tls = await startSimulator({ user: 'autoblock', password: PASSWORD, tls: selfSignedCertificate() });
    try {
      const seen = await run(['fingerprint', `127.0.0.1:${tls.port}`], {
        ROUTER_HOST: '',
        ROUTER_PASSWORD: '',
      });
      expect(seen.code).toBe(0);
      const pin = /^ {2}ROUTER_FINGERPRINT=([0-9a-f]{64})$/m.exec(seen.stdout)?.[1] ?? '';
      expect(seen.stdout).toContain(`/certificate print detail where fingerprint=${pin}`);
      expect(tls.received.get('/login')).toBeUndefined();

      const env = { ROUTER_PORT: String(tls.port), ROUTER_TLS: 'true', ROUTER_FINGERPRINT: pin };
      expect((await run(['fingerprint'], env)).stdout).toContain('This is the fingerprint that is pinned.');
      const doctor = await run(['check', '--json'], env);
      const { routers } = JSON.parse(doctor.stdout) as CheckedJson;
      expect(routers[0]!.findings).toContainEqual(expect.objectContaining({ check: 'tls', level: 'ok' }));

      const other = { ...env, ROUTER_FINGERPRINT: pin.replaceAll(/./g, 'a') };
      const refused = await run(['fingerprint'], other);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stdout).toContain('NOT the pinned one');
    } finally {
      await tls.close();
    }
  });

  it('ends with 3 when nobody answers, and with 2 on what is no host', async () => {
    const { code, stdout } = await run(['fingerprint', `127.0.0.1:${await closedPort()}`]);
    expect(code).toBe(3);
    expect(stdout).toContain('cannot be reached');
    expect((await run(['fingerprint', 'not a host'])).code).toBe(2);
  });
});
