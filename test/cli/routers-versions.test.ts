import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../src/simulator/routeros-simulator.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';

const CREDENTIALS = { user: 'autoblock', password: 'geheim-secret' };

interface CheckedJson {
  routers: { findings: { check: string; level: string; message: string }[] }[];
}

/** A router of that version, and the program set up for it. */
async function siteWith(options: { version: string; ipv6: boolean }) {
  const addresses = ['203.0.113.10/29', ...(options.ipv6 ? ['2001:db8:1::1/64'] : [])];
  const simulator = await startSimulator({ ...CREDENTIALS, ...options, addresses });
  const home = temporaryHome();
  onTestFinished(async () => {
    await simulator.close();
    home.remove();
  });
  const env = {
    ...home.env,
    ROUTER_HOST: '127.0.0.1',
    ROUTER_PORT: String(simulator.port),
    ROUTER_USER: CREDENTIALS.user,
    ROUTER_PASSWORD: CREDENTIALS.password,
    ROUTER_TLS: 'false',
  };
  const run = (...args: string[]) => autoblock(args, { dir: home.dir, env });
  const levels = async () => {
    const { stdout } = await run('routers', 'check', '--json');
    const { findings } = (JSON.parse(stdout) as CheckedJson).routers[0]!;
    return Object.fromEntries(findings.map(({ check, level }) => [check, level]));
  };
  return { simulator, run, levels };
}

describe.each([
  { version: '6.49.10', ipv6: true },
  { version: '6.49.10', ipv6: false },
  { version: '7.8', ipv6: true },
  { version: '7.20.1', ipv6: false },
])('RouterOS $version with IPv6 $ipv6', (options) => {
  it('is judged, given its rules once and a block, and found in order', async () => {
    const { simulator, run, levels } = await siteWith(options);
    const before = await levels();
    expect(before).toMatchObject({ reachable: 'ok', clock: 'ok', 'drop-rules-v4': 'error' });
    expect(before['drop-rules-v6']).toBe(options.ipv6 ? 'error' : 'ok');

    expect(await run('routers', 'rules', '--apply', '--yes')).toMatchObject({ code: 0, stderr: '' });
    expect((await run('routers', 'rules', '--apply', '--yes')).stdout).toContain('nothing to do');
    const after = await levels();
    expect(after).toMatchObject({ 'drop-rules-v4': 'ok', 'drop-rules-v6': 'ok' });
    expect(Object.values(after)).not.toContain('error');

    const added = await run('blocks', 'add', '198.51.100.7', '--seconds', '100000');
    expect(added.stderr).toContain('holds 1 of 1 blocks');
    expect(simulator.entries(4)).toMatchObject([{ address: '198.51.100.7', dynamic: true }]);
    const protectedSet = await run('routers', 'protected', '--json');
    expect(protectedSet.code).toBe(0);
    expect(protectedSet.stdout).toContain('203.0.113.10');
  });
});
