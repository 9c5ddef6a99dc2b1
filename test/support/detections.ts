import { type ConfidenceTier, type Detection, tierOf } from '../../src/detector/detection.ts';

const WINDOW_MS = 300_000;

/** A detection of `sourceIp` last seen at `lastSeenMs`, in the five-minute window that holds this time. */
export function detectionOf(given: {
  sourceIp: string;
  lastSeenMs: number;
  riskScore?: number;
  confidence?: ConfidenceTier;
}): Detection {
  const { sourceIp, lastSeenMs, riskScore = 97 } = given;
  const windowStartMs = Math.floor(lastSeenMs / WINDOW_MS) * WINDOW_MS;
  return {
    sourceIp,
    windowStartMs,
    windowEndMs: windowStartMs + WINDOW_MS,
    riskScore,
    confidence: given.confidence ?? tierOf(riskScore, { highRisk: 95, mediumRisk: 70 }),
    anomalyType: 'port_scan',
    reasons: [
      {
        text: '412 destination ports in 5 min; typical for this network: 3',
        subject: 'unique_destination_ports',
        observed: 412,
        typical: 3,
      },
    ],
    logCount: 412,
    firstSeenMs: windowStartMs,
    lastSeenMs,
    detector: 'hybrid',
    modelVersion: '20261122T030000000Z',
  };
}
