import { COUNT, type EntityCursor, NO_PORT } from './entity-rows.ts';
import { createPairCounter } from './pair-counter.ts';

/** One flow's target, as the counts need it. The caller reuses one object for all records. */
export interface Target {
  /** Canonical address. */
  address: string;
  /** 0-65535 or NO_PORT. */
  port: number;
  isLogin: boolean;
}

/** Counts of different destinations, ports and pairs of both, exact but for hash collisions (see pair-counter.ts). */
export interface TargetCounts {
  /** Folds a target into the entity's counts. To be called after COUNT.flows was raised. */
  note(cursor: EntityCursor, target: Target): void;
  /** Gives the memory back; nothing can be noted any more. */
  release(): void;
}

/** What a key of the shared hash table is about. */
const KIND = { destination: 0, port: 1, pair: 2, loginDestination: 3 } as const;
const KIND_COUNT = 4;

interface Key {
  high: number;
  low: number;
}

export function createTargetCounts(): TargetCounts {
  const counter = createPairCounter();
  const address: Key = { high: 0, low: 0 };
  const noAddress: Key = { high: 0, low: 0 };

  /** How often the entity has shown this value, now included. Positional arguments: called per log record. */
  function seen(cursor: EntityCursor, kind: number, hash: Key, port: number): number {
    const owner = Math.imul(cursor.entity, KIND_COUNT) + kind;
    const high = mixed(mixed(Math.imul(owner, 0x9e3779b1) ^ hash.high) ^ port);
    const low = mixed(mixed(Math.imul(owner, 0xc2b2ae3d) ^ hash.low) ^ Math.imul(port, 0x27d4eb2f));
    return counter.increment(high, low);
  }

  function notePort(cursor: EntityCursor, port: number): void {
    const { counts, countAt } = cursor;
    if (port === NO_PORT) return;
    let flowsToPort: number;
    if (counts[countAt + COUNT.ports] === 0) {
      counts[countAt + COUNT.firstPort] = port;
      counts[countAt + COUNT.ports] = 1;
    }
    if (port === counts[countAt + COUNT.firstPort]) {
      flowsToPort = counts[countAt + COUNT.firstPortFlows]! + 1;
      counts[countAt + COUNT.firstPortFlows] = flowsToPort;
    } else {
      flowsToPort = seen(cursor, KIND.port, noAddress, port);
      if (flowsToPort === 1) counts[countAt + COUNT.ports]! += 1;
    }
    const most = counts[countAt + COUNT.topPortFlows]!;
    // Logs to the second hold many records of one time, and PostgreSQL gives those in any order: a tie must not depend on it.
    if (flowsToPort > most || (flowsToPort === most && port < counts[countAt + COUNT.topPort]!)) {
      counts[countAt + COUNT.topPort] = port;
      counts[countAt + COUNT.topPortFlows] = flowsToPort;
    }
  }

  return {
    release: () => counter.release(),
    note(cursor, target) {
      const { counts, countAt } = cursor;
      hashAddress(target.address, address);
      notePort(cursor, target.port);
      if (counts[countAt + COUNT.flows] === 1) {
        counts[countAt + COUNT.firstDestinationHash] = address.low;
        counts[countAt + COUNT.firstTargetPort] = target.port;
        counts[countAt + COUNT.destinations] = 1;
        counts[countAt + COUNT.targetPairs] = 1;
      } else {
        const isFirst = counts[countAt + COUNT.firstDestinationHash] === address.low >>> 0;
        if (!isFirst && seen(cursor, KIND.destination, address, 0) === 1) {
          counts[countAt + COUNT.destinations]! += 1;
        }
        const isFirstPair = isFirst && counts[countAt + COUNT.firstTargetPort] === target.port;
        if (!isFirstPair && seen(cursor, KIND.pair, address, target.port) === 1) {
          counts[countAt + COUNT.targetPairs]! += 1;
        }
      }
      if (target.isLogin && seen(cursor, KIND.loginDestination, address, 0) === 1) {
        counts[countAt + COUNT.loginDestinations]! += 1;
      }
    },
  };
}

/** 64-bit hash of a short text in two independent 32-bit halves, written into `hash`. */
function hashAddress(text: string, hash: Key): void {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  hash.high = mixed(high);
  hash.low = mixed(low);
}

/** Finalizer of MurmurHash3 (Appleby): every bit of the input changes half the bits of the output. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
