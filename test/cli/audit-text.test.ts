import { describe, expect, it } from 'vitest';
import { auditTable } from '../../src/cli/audit-text.ts';

const record = {
  atMs: Date.UTC(2026, 10, 22, 3),
  actor: 'alice',
  action: 'block_extended',
  router: null,
  address: '203.0.113.7',
  before: { expires: '2026-11-22T04:00:00.000Z', offence: 1, why: null },
  after: { expires: '2026-11-23T03:00:00.000Z', offence: 1 },
  reason: 'abuse\nreport',
};

describe('the audit for people', () => {
  it('tells in one line when, who, what, where, from what to what, and why', () => {
    const [head = '', row = ''] = auditTable([record]).split('\n');
    expect(head).toMatch(/^WHEN +WHO +WHAT +ROUTER +ADDRESS +BEFORE -> AFTER +WHY$/);
    expect(row).toBe(
      '2026-11-22 03:00:00Z  alice  block_extended  -       203.0.113.7  expires 2026-11-22T04:00:00Z, offence 1 -> expires 2026-11-23T03:00:00Z, offence 1  abuse report',
    );
  });

  it('shows a dash for the side where there was nothing, and nothing at all where neither side is told', () => {
    const change = (before: unknown, after: unknown): string =>
      auditTable([{ ...record, before, after, reason: 'x' }])
        .split('\n')[1]!
        .replace(/^.*203\.0\.113\.7 +/, '')
        .replace(/ +x$/, '');
    expect(change(null, { timeoutSeconds: 60 })).toBe('- -> timeoutSeconds 60');
    expect(change({ timeoutSeconds: 60 }, null)).toBe('timeoutSeconds 60 -> -');
    expect(change(null, null)).toBe('x');
    expect(change(['a\u001b[31m'], 7)).toBe('["a\\u001b[31m"] -> 7');
  });
});
