import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needsAPerson } from '../../src/cli/status/needs-a-person.ts';
import { conditionOf, conditionText } from '../../src/cli/status/router-condition.ts';
import { routerTable } from '../../src/cli/status/router-text.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;

const state = (over: Partial<Parameters<typeof routerTable>[0][number]['state'] & object> = {}) => ({
  ok: true,
  errorCode: null,
  attemptedAtMs: NOW - MINUTE,
  succeededAtMs: NOW - MINUTE,
  consecutiveFailures: 0,
  entries: 28_700,
  error: null,
  version: '7.20.1 (stable)',
  uptimeSeconds: 90_061,
  rebootedAtMs: null,
  reprotectedMs: null,
  ...over,
});
const away = (consecutiveFailures: number, errorCode = 'ROUTER_UNREACHABLE') =>
  state({ ok: false, errorCode, error: 'refused', consecutiveFailures });

describe("a router's condition", () => {
  it.each([
    { facts: { dryRun: false, state: null }, condition: 'never_synced', text: 'never synced' },
    { facts: { dryRun: false, state: state() }, condition: 'ok', text: 'ok' },
    { facts: { dryRun: true, state: away(9) }, condition: 'dry_run', text: 'dry run: not written' },
    {
      facts: { dryRun: false, state: away(1) },
      condition: 'backing_off',
      text: 'ROUTER_UNREACHABLE, 1 failure, next try by 2026-11-22 11:59:05Z',
    },
    {
      facts: { dryRun: false, state: away(4) },
      condition: 'backing_off',
      text: 'ROUTER_UNREACHABLE, 4 failures, next try by 2026-11-22 11:59:40Z',
    },
    {
      facts: { dryRun: false, state: away(5) },
      condition: 'breaker_open',
      text: 'ROUTER_UNREACHABLE, breaker open after 5 failures, next try by 2026-11-22 12:00:00Z',
    },
    {
      facts: { dryRun: false, state: away(2, 'ROUTER_LOGIN_FAILED') },
      condition: 'breaker_open',
      text: 'ROUTER_LOGIN_FAILED, breaker open after 2 failures, next try by 2026-11-22 12:01:00Z',
    },
    {
      facts: { dryRun: false, state: away(9, 'ROUTER_REFUSED') },
      condition: 'backing_off',
      text: 'ROUTER_REFUSED, 9 failures, next try by 2026-11-22 12:00:00Z',
    },
  ])('is $condition and reads "$text"', ({ facts, condition, text }) => {
    expect(conditionOf(facts)).toBe(condition);
    expect(conditionText(facts)).toBe(text);
  });

  it('is shown with version, uptime and how long the last reboot left it unprotected', () => {
    const routers = [
      {
        name: 'core',
        dryRun: false,
        removalHeld: false,
        state: state({ rebootedAtMs: NOW - 3_600_000, reprotectedMs: 4_210 }),
      },
      { name: 'edge', dryRun: false, removalHeld: true, state: state({ rebootedAtMs: NOW }) },
      { name: 'new', dryRun: false, removalHeld: false, state: null },
      { name: 'gone', dryRun: false, removalHeld: false, state: away(2) },
    ];
    const [head = '', core = '', edge = '', fresh = '', gone = ''] = routerTable(routers).split('\n');
    expect(head).toMatch(/^ROUTER +STATE +LAST GOOD SYNC +ENTRIES +VERSION +UPTIME +LAST REBOOT +ERROR$/);
    expect(core).toMatch(
      /^core +ok +2026-11-22 11:59:00Z +28700 +7\.20\.1 \(stable\) +1d 1h +2026-11-22 11:00:00Z, re-protected in 4\.2 s +-$/,
    );
    expect(edge).toMatch(/^edge +ok; a mass removal is held back .* 12:00:00Z, not yet re-protected /);
    expect(fresh).toMatch(/^new +never synced( +-){6}$/);
    expect(gone).toMatch(
      /^gone +ROUTER_UNREACHABLE, 2 failures, next try by 2026-11-22 11:59:10Z .* refused$/,
    );
  });
});

describe('what a script should wake somebody for', () => {
  const fine = {
    atMs: NOW,
    paused: null,
    alerts: [],
    routers: [{ name: 'core', condition: 'ok' as const, state: { succeededAtMs: NOW - MINUTE } }],
    lastDetection: { status: 'ok' },
    detectionOverdueMs: null,
  };

  it('is nothing on a site that is well, nor on one that has nothing yet', () => {
    expect(needsAPerson(fine)).toEqual([]);
    expect(needsAPerson({ ...fine, routers: [], lastDetection: null })).toEqual([]);
  });

  it('is a pause, a fresh alert, a router left behind and a failed detection, each told', () => {
    const overdue = {
      name: 'core',
      condition: 'backing_off' as const,
      state: { succeededAtMs: NOW - 16 * MINUTE },
    };
    const never = { name: 'edge', condition: 'never_synced' as const, state: null };
    expect(
      needsAPerson({
        atMs: NOW,
        paused: { sinceMs: NOW - 90 * MINUTE, actor: 'alice', reason: null },
        alerts: [{ code: 'MASS_REMOVAL_HELD', subject: 'core' }],
        routers: [overdue, never],
        lastDetection: { status: 'failed' },
        detectionOverdueMs: 61 * MINUTE,
      }),
    ).toEqual([
      'blocking is paused for 1h 30m',
      'alert MASS_REMOVAL_HELD (core)',
      'router core was last synced 16m 0s ago',
      'router edge was never synced',
      'the last detection failed',
      'the last detection was 1h 1m ago: does the daemon run?',
    ]);
  });

  it('is not a router in dry run', () => {
    const routers = [{ name: 'core', condition: 'dry_run' as const, state: null }];
    expect(needsAPerson({ ...fine, routers })).toEqual([]);
  });

  it('is a router exactly when its last good sync is over 15 minutes old', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 * MINUTE }), (ageMs) => {
        const routers = [{ name: 'core', condition: 'ok' as const, state: { succeededAtMs: NOW - ageMs } }];
        expect(needsAPerson({ ...fine, routers }).length).toBe(ageMs > 15 * MINUTE ? 1 : 0);
      }),
      { seed: 4 },
    );
  });
});
