import type { EvidenceColumn } from '../features/evidence.ts';
import { isLoginPort } from '../features/record-facts.ts';
import { asksForLogins, carriesWork, failedFlows } from './evidence-row.ts';
import { formatBytes, formatDuration, formatNumber, formatShare } from './number-text.ts';
import type { Measurement, SignatureContext, SignatureRule } from './signature-rule.ts';

/** A site's usual counts only above this many times its 99th percentile: one in a hundred entities is above that by definition. */
const ABOVE_USUAL = 1.5;

const DNS_PORT = 53;

/** The absolute floor, or above the site's usual where that is higher. */
function floorFor(context: SignatureContext, column: EvidenceColumn, absolute: number): number {
  return context.typical === null ? absolute : Math.max(absolute, ABOVE_USUAL * context.typical.high(column));
}

/** What goes on steadily adds up in a long window: ten, or one every other minute. */
function steadyFloor({ windowMs }: SignatureContext): number {
  return Math.max(10, windowMs / 120_000);
}

function measured({
  context,
  column,
  floor,
  full,
  words,
}: {
  readonly context: SignatureContext;
  readonly column: EvidenceColumn;
  readonly floor: number;
  readonly full: number;
  readonly words: (observed: string, window: string) => string;
}): Measurement {
  const observed = context.row(column);
  const typical = context.typical?.high(column) ?? null;
  const usual = typical === null ? '' : `; typical for this network: up to ${formatNumber(typical)}`;
  const text = `${words(formatNumber(observed), formatDuration(context.windowMs))}${usual}`;
  return { column, observed, floor: floorFor(context, column, floor), full, text, typical };
}

/**
 * Probes at a pace no rate limit sees. Stands before the fast scans: on a tie of strengths the pace is the better name.
 * Harmless look-alike: a client whose few connections fail; it retries the same target instead of trying new ones.
 */
function measureSlowScan(context: SignatureContext): Measurement | null {
  const { row, windowMs } = context;
  const flows = row('flows');
  const isSlow = row('max_flows_per_minute') <= 10 && row('duration_seconds') * 1000 >= windowMs / 2;
  const isProbing = row('distinct_target_pairs') >= 0.8 * flows && failedFlows(row) >= 0.9 * flows;
  if (!isSlow || !isProbing) return null;
  return measured({
    context,
    column: 'distinct_target_pairs',
    floor: 6,
    full: 30,
    words: (count, window) =>
      `${count} different targets probed one by one within ${window}, ${formatShare(failedFlows(row) / flows)} of them in vain`,
  });
}

/**
 * Many ports at few hosts, most attempts failing. Harmless look-alikes: peer-to-peer and streaming (many ports, but
 * about one per host), passive FTP (many ports of one server, all of them completed), calls (UDP that goes on).
 */
function measurePortScan(context: SignatureContext): Measurement | null {
  const { row } = context;
  const portsPerDestination = row('distinct_target_pairs') / Math.max(1, row('distinct_destinations'));
  if (portsPerDestination < 5 || failedOrUdp(context) < 0.5 * row('flows')) return null;
  return measured({
    context,
    column: 'distinct_destination_ports',
    floor: 8,
    full: 60,
    words: (count, window) => `${count} destination ports in ${window}`,
  });
}

/** UDP gives no sign of success but going on, so a UDP scan shows only in what it touches. */
function failedOrUdp({ row }: SignatureContext): number {
  return failedFlows(row) + (row('dropped_flows') > 0 ? 0 : row('udp_flows') - row('udp_exchange_flows'));
}

/**
 * One service looked for at many hosts, most attempts failing. Harmless look-alikes: DNS resolvers and busy PCs reach
 * hundreds of hosts, but their exchanges complete; monitoring is answered; automation logs in everywhere and works there.
 */
function measureHorizontalScan(context: SignatureContext): Measurement | null {
  const { row } = context;
  const flows = row('flows');
  const isOneService = row('top_port_flows') >= 0.6 * flows;
  const isFailing = failedFlows(row) >= 0.5 * flows;
  const isLoginSweep =
    row('distinct_login_destinations') >= 0.6 * row('distinct_destinations') && !carriesWork(row);
  if (!isOneService || !(isFailing || isLoginSweep)) return null;
  if (row('distinct_destinations') < 0.3 * flows) return null;
  return measured({
    context,
    column: 'distinct_destinations',
    floor: 15,
    full: 150,
    words: (count, window) => `${count} hosts asked for port ${row('top_port')} in ${window}`,
  });
}

/**
 * The same login service again and again. Harmless look-alikes: an administrator, a backup or a build machine over SSH
 * works in long connections; file sharing keeps its connection open; a file transfer makes as many connections for data.
 */
function measureBruteForce(context: SignatureContext): Measurement | null {
  const { row } = context;
  const logins = row('login_flows');
  if (!asksForLogins(row) || carriesWork(row)) return null;
  if (logins < 4 * row('distinct_login_destinations')) return null;
  return measured({
    context,
    column: 'login_flows',
    floor: steadyFloor(context),
    // Attempts that come to nothing are no working client's: ten times the pace fail2ban bans for (5 in 10 minutes) is
    // enough. Completed ones may be a job that logs in often, so they need more.
    full: (row('established_login_flows') < 0.5 * logins ? 2.5 : 6) * steadyFloor(context),
    words: (count, window) =>
      `${count} connections to login services in ${window}, to ${formatNumber(row('distinct_login_destinations'))} host(s)`,
  });
}

/**
 * Far more connections a minute than a client needs, all to the same service. Harmless look-alikes: name resolution
 * (many small UDP exchanges with one resolver) and the office behind one address (many connections, but to many
 * services, or at a tenth of this pace).
 */
function measureFlood(context: SignatureContext): Measurement | null {
  const { row } = context;
  const flows = row('flows');
  const isName = row('top_port') === DNS_PORT && row('dropped_flows') < 0.5 * flows;
  if (isName || row('distinct_target_pairs') > Math.max(3, flows / 100)) return null;
  return measured({
    context,
    column: 'max_flows_per_minute',
    floor: 300,
    full: 1000,
    words: (count) => `${count} connections within one minute to port ${row('top_port')} of the same target`,
  });
}

/**
 * An inside host that keeps calling the same target unanswered: malware whose control server is gone. Harmless
 * look-alikes: clients that get answers; name and time service (UDP).
 */
function measureBeaconing(context: SignatureContext): Measurement | null {
  const { row, group, windowMs } = context;
  if (group !== 'internal' || isLoginPort(row('top_port'))) return null;
  const isNarrow = row('distinct_destinations') <= 10 && row('distinct_destination_ports') <= 3;
  const isSteady = row('duration_seconds') * 1000 >= 0.6 * windowMs && row('inter_arrival_cv') <= 1.2;
  const isTcp = row('tcp_flows') >= 0.5 * row('flows');
  const isUnanswered = row('unanswered_tcp_flows') >= 0.9 * row('tcp_flows');
  if (!isNarrow || !isSteady || !isTcp) return null;
  if (isUnanswered) return measureUnansweredCalls(context);
  return row('inter_arrival_cv') <= 0.15 ? measureRegularCalls(context) : null;
}

function measureUnansweredCalls(context: SignatureContext): Measurement {
  const { row } = context;
  return measured({
    context,
    column: 'unanswered_tcp_flows',
    floor: steadyFloor(context),
    full: 6 * steadyFloor(context),
    words: (count, window) =>
      `${count} unanswered calls to port ${row('top_port')} of the same targets in ${window}`,
  });
}

/** Answered calls at clockwork intervals are as often a health check: `full` lies far out, so they stay weak alone. */
function measureRegularCalls(context: SignatureContext): Measurement {
  const { row } = context;
  return measured({
    context,
    column: 'tcp_flows',
    floor: steadyFloor(context),
    full: 100 * steadyFloor(context),
    words: (count, window) =>
      `${count} calls to port ${row('top_port')} in ${window} at regular intervals (spread ${formatShare(row('inter_arrival_cv'))})`,
  });
}

/**
 * An inside host that moves more than anything this network moved in the training time. Harmless look-alike: the
 * backup server, whose nights are part of that time. Without a model there is nothing to compare with.
 */
function measureExfiltration(context: SignatureContext): Measurement | null {
  const { row, group, typical, windowMs } = context;
  if (typical === null || group !== 'internal' || row('distinct_destinations') > 5) return null;
  const highest = typical.highest('bytes_total');
  const observed = row('bytes_total');
  const text = `${formatBytes(observed)} in ${formatDuration(windowMs)} with ${formatNumber(row('distinct_destinations'))} host(s); the most seen in training: ${formatBytes(highest)}`;
  const floor = Math.max(500e6, 2 * highest);
  return { column: 'bytes_total', observed, floor, full: 20 * floor, text, typical: highest };
}

/** All signatures, in the order of preference when two are equally strong. */
export const SIGNATURE_RULES: readonly SignatureRule[] = [
  {
    type: 'slow_scan',
    meaning: 'new targets one by one over the whole window, hardly any answered',
    measure: measureSlowScan,
  },
  { type: 'port_scan', meaning: 'many ports of few hosts, most attempts failing', measure: measurePortScan },
  {
    type: 'horizontal_scan',
    meaning: 'one service looked for at many hosts, most attempts failing',
    measure: measureHorizontalScan,
  },
  { type: 'brute_force', meaning: 'one login service again and again', measure: measureBruteForce },
  { type: 'flood', meaning: 'very many connections a minute to one service', measure: measureFlood },
  {
    type: 'beaconing',
    meaning: 'an inside host calling the same target steadily, unanswered or like clockwork',
    measure: measureBeaconing,
  },
  {
    type: 'exfiltration',
    meaning: 'an inside host moving more than the network ever did in training',
    measure: measureExfiltration,
  },
];
