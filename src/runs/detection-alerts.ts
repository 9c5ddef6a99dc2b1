import type { Verdict, VerdictCause } from '../decisions/verdict.ts';
import type { Logger } from '../logger.ts';

export interface AlertLedger {
  raiseAlert(alert: { code: string; subject: string; message: string; nowMs: number }): void;
  clearAlert(alert: { code: string; subject: string; nowMs: number }): void;
  alerts(): readonly { readonly code: string; readonly subject: string; readonly lastAtMs: number }[];
}

/** What went to review because there was no place left for a block. */
const CAPS = [
  {
    cause: 'block_cap_reached',
    code: 'BLOCK_CAP_REACHED',
    text: 'more blocks than MAX_BLOCKS_PER_RUN: the rest waits in the review queue',
  },
  {
    cause: 'total_cap_reached',
    code: 'TOTAL_CAP_REACHED',
    text: 'as many active blocks as MAX_BLOCKS_TOTAL allows: attackers wait in the review queue',
  },
  {
    cause: 'router_cap_reached',
    code: 'ROUTER_CAP_REACHED',
    text: 'a router takes no more entries: attackers wait in the review queue',
  },
] as const satisfies readonly { cause: VerdictCause; code: string; text: string }[];

const PROTECTED_CODE = 'PROTECTED_SOURCE';
/** Raised by the router sync, once: the block is lifted then. */
const WITHDRAWN_CODE = 'PROTECTED_BLOCK_WITHDRAWN';
const NAMED_ADDRESSES = 20;

/** Whoever looks at the status in the morning is to see what happened in the night, and not what was over days ago. */
const KEEP_ALERT_MS = 86_400_000;

/**
 * Tells the log, and the status by way of alerts in the ledger, what a run could not or must not block. An alert is
 * taken back a day after its cause was last seen.
 */
export function raiseDetectionAlerts(run: {
  verdicts: readonly Verdict[];
  ledger: AlertLedger;
  logger: Logger;
  nowMs: number;
  /** Only the log is told. */
  dryRun: boolean;
}): void {
  const { verdicts, logger } = run;
  const raise = (alert: { code: string; subject: string; message: string }): void => {
    if (!run.dryRun) run.ledger.raiseAlert({ ...alert, nowMs: run.nowMs });
  };
  for (const { cause, code, text } of CAPS) {
    const capped = verdicts.filter((verdict) => verdict.cause === cause);
    const [riskiest] = capped;
    if (riskiest === undefined) continue;
    const addresses = capped.slice(0, NAMED_ADDRESSES).map(({ target }) => target);
    logger.error({ code, toReview: capped.length, addresses }, text);
    const message = `${text}; ${capped.length} in the last run, the riskiest ${riskiest.target}: ${riskiest.explanation}`;
    raise({ code, subject: 'detection', message });
  }
  for (const { cause, detection, sourceIp: address, explanation } of verdicts) {
    if (cause !== 'protected' || detection.confidence !== 'high') continue;
    logger.warn(
      { code: PROTECTED_CODE, address, explanation },
      'protected source looks like an attacker and was not blocked',
    );
    raise({ code: PROTECTED_CODE, subject: address, message: explanation });
  }
  if (!run.dryRun) clearOld(run);
}

function clearOld({ ledger, nowMs }: { ledger: AlertLedger; nowMs: number }): void {
  const ours = new Set<string>([PROTECTED_CODE, WITHDRAWN_CODE, ...CAPS.map(({ code }) => code)]);
  for (const { code, subject, lastAtMs } of ledger.alerts()) {
    if (ours.has(code) && lastAtMs <= nowMs - KEEP_ALERT_MS) ledger.clearAlert({ code, subject, nowMs });
  }
}
