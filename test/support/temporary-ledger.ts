import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockPolicy } from '../../src/decisions/block-policy.ts';
import { decide } from '../../src/decisions/decide.ts';
import { buildProtection } from '../../src/decisions/protected-networks.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import type { Detection } from '../../src/detector/detection.ts';
import { createLogger } from '../../src/logger.ts';
import { type Ledger, openLedger } from '../../src/storage/ledger.ts';
import type { RecordedDetectionRun } from '../../src/storage/ledger-detection-run.ts';
import { blockPolicyOf } from './block-policy.ts';

export const BLOCK_SECONDS = 86_400;
const REVIEW_SECONDS = 7 * 86_400;

export const silentLogger = createLogger({ level: 'silent' });

export interface TemporaryLedger {
  readonly path: string;
  readonly directory: string;
  readonly ledger: Ledger;
  /** Closes it and opens the file anew, as a restarted process would. */
  reopen(): Ledger;
  remove(): void;
}

export function temporaryLedger(): TemporaryLedger {
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-ledger-'));
  const path = join(directory, 'ledger.sqlite');
  let ledger = openLedger({ path, logger: silentLogger });
  return {
    path,
    directory,
    get ledger() {
      return ledger;
    },
    reopen() {
      ledger.close();
      ledger = openLedger({ path, logger: silentLogger });
      return ledger;
    },
    remove() {
      ledger.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const protection = buildProtection({ internalNetworks: [], allowlist: [], extraProtected: [] });

const POLICY = blockPolicyOf({ maxBlocksPerRun: 3, blockLadder: [BLOCK_SECONDS] });

export function verdictsFor(
  ledger: Ledger,
  detections: readonly Detection[],
  nowMs: number,
  policy: BlockPolicy = POLICY,
): Verdict[] {
  return decide({
    detections,
    protection,
    history: ledger.history(nowMs),
    policy,
    nowMs,
  });
}

export function recordVerdicts(
  ledger: Ledger,
  verdicts: readonly Verdict[],
  nowMs: number,
): RecordedDetectionRun {
  return ledger.recordDetectionRun({
    run: {
      startedAtMs: nowMs,
      finishedAtMs: nowMs,
      detector: 'hybrid',
      modelVersion: '20261122T030000000Z',
      recordsRead: 1000,
      truncated: false,
      entities: 10,
    },
    verdicts,
    reviewSeconds: REVIEW_SECONDS,
    nowMs,
  });
}

/** A whole run: decide on the present history, then record. */
export function runOn(
  ledger: Ledger,
  detections: readonly Detection[],
  nowMs: number,
  policy: BlockPolicy = POLICY,
): RecordedDetectionRun {
  return recordVerdicts(ledger, verdictsFor(ledger, detections, nowMs, policy), nowMs);
}
