import type { LogRecord } from '../features/log-record.ts';

interface Head {
  record: LogRecord;
  readonly rest: Iterator<LogRecord>;
}

/**
 * Merges streams that are each in order of time into one. Holds one record per stream, so a week of traffic need not fit
 * in memory. Records of equal time come out in an order that depends on the streams only.
 */
export function* mergeByTime(streams: Iterable<Iterable<LogRecord>>): Generator<LogRecord> {
  const heap: Head[] = [];
  for (const stream of streams) {
    const rest = stream[Symbol.iterator]();
    const first = rest.next();
    if (first.done !== true) heap.push({ record: first.value, rest });
  }
  for (let i = (heap.length >> 1) - 1; i >= 0; i -= 1) sink(heap, i);
  while (heap.length > 0) {
    const top = heap[0]!;
    yield top.record;
    const next = top.rest.next();
    if (next.done === true) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
    } else {
      top.record = next.value;
    }
    sink(heap, 0);
  }
}

/** Moves heap[from] down until no child is earlier. */
function sink(heap: Head[], from: number): void {
  let place = from;
  for (;;) {
    let earliest = place;
    for (const child of [2 * place + 1, 2 * place + 2])
      if (child < heap.length && heap[child]!.record.timestampMs < heap[earliest]!.record.timestampMs)
        earliest = child;
    if (earliest === place) return;
    const kept = heap[place]!;
    heap[place] = heap[earliest]!;
    heap[earliest] = kept;
    place = earliest;
  }
}
