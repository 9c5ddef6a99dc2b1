import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearAlertsOfRoutersGone } from '../../src/runs/router-alerts.ts';
import { type TemporaryLedger, temporaryLedger } from '../support/temporary-ledger.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

let place: TemporaryLedger;
beforeEach(() => {
  place = temporaryLedger();
});
afterEach(() => place.remove());

describe('alerts of routers', () => {
  it('go with the router, and those of others and of addresses stay', () => {
    const { ledger } = place;
    const raise = (code: string, subject: string) =>
      ledger.raiseAlert({ code, subject, message: 'look', nowMs: NOW });
    raise('MASS_REMOVAL_HELD', 'old');
    raise('FOREIGN_ENTRY_DISABLED', 'old');
    raise('ROUTER_LIST_CAPPED', 'edge');
    raise('PROTECTED_SOURCE', '192.0.2.7');
    clearAlertsOfRoutersGone({ ledger, routers: ['edge'], nowMs: NOW + 1 });
    const open = ledger.alerts().map(({ code, subject }) => `${code} ${subject}`);
    expect(open.toSorted()).toEqual(['PROTECTED_SOURCE 192.0.2.7', 'ROUTER_LIST_CAPPED edge']);
  });
});
