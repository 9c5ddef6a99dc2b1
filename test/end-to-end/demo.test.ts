import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { parseNetwork } from '../../src/ip/address.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';

interface DemoJson {
  worked: boolean;
  checks: { name: string; holds: boolean }[];
  model: { features: number; selectedFeatures: number; entities: number; contamination: number };
  detection: { tiers: Record<string, number>; detector: string };
  detectionsInDatabase: Record<string, number>;
  addressList: { address: string; comment: string; timeoutSeconds: number | null }[];
  reviews: { address: string; reasons: string[] }[];
  attackers: { address: string; attack: string; outcome: string }[];
  attackersNotBlocked: { address: string }[];
  innocentsBlocked: unknown[];
}

const home = temporaryHome();
afterAll(() => home.remove());

describe('the demo', () => {
  it('does the main job on made-up traffic, whatever the settings around it, and tells all of it as JSON', async () => {
    // Settings of the operator that would spoil it if they reached it.
    const env = { ...home.env, DRY_RUN: 'true', ROUTER_HOST: '192.0.2.1', CONFIDENCE_HIGH: 'wrong' };
    const { code, stdout } = await autoblock(['demo', '--json', '--seed', '11'], { dir: home.dir, env });
    const told = JSON.parse(stdout) as DemoJson;
    expect({ code, failed: told.checks.filter((check) => !check.holds) }).toEqual({ code: 0, failed: [] });
    expect(told.worked).toBe(true);
    expect(told.model).toMatchObject({ features: 25, selectedFeatures: 18, contamination: 0.03 });
    expect(told.detection.detector).toBe('hybrid');
    expect(told.detectionsInDatabase).toEqual(told.detection.tiers);

    const own = told.addressList.filter((entry) => entry.comment.startsWith('autoblock:'));
    const blocked = told.attackers.filter((attacker) => attacker.outcome === 'blocked');
    // An IPv6 attacker is blocked as the /64 it is in.
    const entryFor = (address: string): string =>
      address.includes(':') ? parseNetwork(`${address}/64`)!.text : address;
    expect(own.map((entry) => entry.address).sort()).toEqual(
      [...new Set(blocked.map((attacker) => entryFor(attacker.address)))].sort(),
    );
    // First offenders: the first rung of BLOCK_LADDER.
    for (const { timeoutSeconds } of own) {
      expect(timeoutSeconds).toBeGreaterThan(3000);
      expect(timeoutSeconds).toBeLessThanOrEqual(3600);
    }
    expect(new Set(told.attackers.map((attacker) => attacker.attack))).toEqual(
      new Set(['port_scan', 'brute_force', 'flood', 'horizontal_scan', 'slow_scan']),
    );
    expect(told.attackersNotBlocked.length).toBe(told.attackers.length - blocked.length);
    for (const review of told.reviews) expect(review.reasons.length).toBeGreaterThan(0);
    expect(existsSync(home.env['STATE_DIR']!)).toBe(false);
  });
});
