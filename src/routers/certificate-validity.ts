import type { Logger } from '../logger.ts';

const EARLY_DAYS = 14;
const DAY_MS = 86_400_000;

/**
 * Says that a certificate is outside its validity or soon will be. One verified by its authority stops being accepted
 * then. A pinned one does not: its dates protect against a key that leaked long ago, the pin names the very key; to
 * refuse it would stop the blocking one night for a date nobody looks at (RouterOS issues for a year by default).
 */
export function warnOfValidity(seen: {
  logger: Pick<Logger, 'warn'>;
  router: string;
  isPinned: boolean;
  certificate: { readonly validFrom: string; readonly validTo: string };
  nowMs: number;
}): void {
  const { logger, router, isPinned, certificate, nowMs } = seen;
  const validFromMs = Date.parse(certificate.validFrom);
  const validToMs = Date.parse(certificate.validTo);
  const fields = {
    router,
    validFrom: new Date(validFromMs).toISOString(),
    validTo: new Date(validToMs).toISOString(),
  };
  if (nowMs < validFromMs || nowMs > validToMs) {
    logger.warn(
      { code: 'CERTIFICATE_NOT_VALID', ...fields },
      'certificate of the router is outside its validity; accepted because it is the pinned one',
    );
  } else if (!isPinned && validToMs - nowMs < EARLY_DAYS * DAY_MS) {
    logger.warn(
      { code: 'CERTIFICATE_EXPIRES', ...fields },
      'certificate of the router expires soon and will then be refused: renew it, or pin its fingerprint',
    );
  }
}
