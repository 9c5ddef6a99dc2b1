/** Which commands a fault strikes: the ones whose name matches, after letting `skip` of them pass, `count` times. */
export interface FaultRule {
  readonly command: RegExp;
  /** Default 0. */
  readonly skip?: number;
  /** Default: without end. */
  readonly count?: number;
}

/** Switches of a simulated router; assign to them while it runs. Each imitates something seen on real ones. */
export interface SimulatorFaults {
  /** Accepts connections and reads, but carries nothing out and never answers: a frozen router. */
  silent: boolean;
  /** Carries the command out and never answers it. */
  stallOn: FaultRule | null;
  /** Carries the command out (`applied`, default true) and closes instead of answering; `reset` sends a TCP reset. */
  closeOn: (FaultRule & { readonly applied?: boolean; readonly reset?: boolean }) | null;
  /** Answers `!fatal` with `message` and closes. */
  fatalOn: (FaultRule & { readonly message: string }) | null;
  /** Refuses the command with this `!trap`. */
  trapOn: (FaultRule & { readonly category: number; readonly message: string }) | null;
  closeBeforeLoginReply: boolean;
  /** Sends answers in pieces of random size, each as a TCP segment of its own. */
  fragment: { readonly minBytes: number; readonly maxBytes: number; readonly seed: number } | null;
  /** Whether `!empty` is sent before `!done`; null: as the simulated version does (since 7.18). */
  emptyReply: boolean | null;
  /** Answers nothing and reboots; `downMs` (default 0) as for RouterosSimulator.reboot. */
  rebootOn: (FaultRule & { readonly downMs?: number; readonly applied?: boolean }) | null;
  /** The network's delay, there and back, all of it spent on the way back; commands on their way do not wait for each other. */
  latencyMs: number;
  /** How many entries an address-list menu holds at most; null: no limit. Adds beyond are refused. */
  listFull: number | null;
  /** Policies the API user's group has lost, for example `write`. */
  deniedPolicies: readonly string[];
  /** API connections at the same time; one more is closed at once, without a word (our assumption). Null: no limit. */
  maxSessions: number | null;
  /** The router's clock as shown and as stamped on entries; timeouts do not run by it. */
  clockSkewMs: number;
}

export function noFaults(): SimulatorFaults {
  return {
    silent: false,
    stallOn: null,
    closeOn: null,
    fatalOn: null,
    trapOn: null,
    closeBeforeLoginReply: false,
    fragment: null,
    emptyReply: null,
    rebootOn: null,
    latencyMs: 0,
    listFull: null,
    deniedPolicies: [],
    maxSessions: null,
    clockSkewMs: 0,
  };
}

/** Counts matches per rule object, so that a newly assigned rule starts counting anew. */
export class FaultCounter {
  readonly #seen = new WeakMap<FaultRule, number>();

  /** The rule, when it strikes this command. */
  strike<Rule extends FaultRule>(rule: Rule | null, command: string): Rule | null {
    if (rule === null || !rule.command.test(command)) return null;
    const seen = this.#seen.get(rule) ?? 0;
    this.#seen.set(rule, seen + 1);
    const skip = rule.skip ?? 0;
    return seen >= skip && seen < skip + (rule.count ?? Number.POSITIVE_INFINITY) ? rule : null;
  }
}

/** Cuts `bytes` into pieces of `minBytes` to `maxBytes`; `random` gives numbers in 0..1. */
export function* cutAtRandom(
  bytes: Uint8Array,
  options: { minBytes: number; maxBytes: number; random: () => number },
): Generator<Uint8Array> {
  const { minBytes, maxBytes, random } = options;
  let offset = 0;
  while (offset < bytes.length) {
    const size = Math.max(1, minBytes + Math.floor(random() * (maxBytes - minBytes + 1)));
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

/** Mulberry32: small, seeded, good enough to place cuts. Numbers in 0..1. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
