import { afterEach, describe, expect, it, vi } from 'vitest';
import { DueQueue, steadyNowMs } from '../../src/simulator/due-queue.ts';
import { RouterCpu } from '../../src/simulator/router-cpu.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Timers and performance.now under our hand. */
function queue() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const handedOver: { item: string; atMs: number }[] = [];
  const due = new DueQueue<string>((items) => {
    for (const item of items) handedOver.push({ item, atMs: steadyNowMs() });
  });
  return { due, handedOver, nowMs: steadyNowMs() };
}

describe('a queue of what is due', () => {
  it('hands over in order, never more than half a millisecond early', () => {
    const { due, handedOver, nowMs } = queue();
    due.push('b', nowMs + 10);
    due.push('c', nowMs + 10.4);
    due.push('a before its time', nowMs + 5);
    due.push('d', nowMs + 30);
    vi.advanceTimersByTime(9);
    expect(handedOver).toEqual([]);
    vi.advanceTimersByTime(3);
    expect(handedOver.map(({ item }) => item)).toEqual(['b', 'c', 'a before its time']);
    expect(handedOver[0]!.atMs - nowMs).toBeGreaterThanOrEqual(9.5);
    vi.advanceTimersByTime(30);
    expect(handedOver.at(-1)!.item).toBe('d');
    expect(due.isEmpty).toBe(true);
  });

  it('gives back what was taken out, and nothing after it was cleared', () => {
    const { due, handedOver, nowMs } = queue();
    for (const item of ['a1', 'b1', 'a2', 'b2']) due.push(item, nowMs + 5);
    expect(due.take((item) => item.startsWith('a'))).toEqual(['a1', 'a2']);
    vi.advanceTimersByTime(20);
    expect(handedOver.map(({ item }) => item)).toEqual(['b1', 'b2']);
    due.push('late', nowMs + 100);
    due.clear();
    vi.advanceTimersByTime(200);
    expect(handedOver).toHaveLength(2);
  });

  it('keeps its order through thousands of items pushed while it hands over', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const seen: number[] = [];
    let next = 0;
    const due = new DueQueue<number>((items) => {
      seen.push(...items);
      while (next < 5000 && next - seen.length < 64) due.push(next++, steadyNowMs() + 1.5);
    });
    due.push(next++, steadyNowMs());
    vi.advanceTimersByTime(60_000);
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  });
});

describe('the CPU of a simulated router', () => {
  it.each([1.5, 2.5, 4])('takes %d ms a command on average, whatever the timers', (commandDelayMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const cpu = new RouterCpu(commandDelayMs);
    const startedAt = steadyNowMs();
    const commands = 2000;
    let finished = 0;
    let lastAt = 0;
    const next = () => {
      finished += 1;
      lastAt = steadyNowMs();
      if (finished + 15 < commands) give();
    };
    const give = () => {
      cpu.run({ owner: cpu, tag: null, work: next });
    };
    for (let waiting = 0; waiting < 16; waiting += 1) give();
    vi.advanceTimersByTime(commands * commandDelayMs * 2);
    expect(finished).toBe(commands);
    // A timer late by its whole millisecond at the end is all that may be lost.
    expect(lastAt - startedAt).toBeGreaterThanOrEqual(commands * commandDelayMs - 0.5);
    expect(lastAt - startedAt).toBeLessThanOrEqual(commands * commandDelayMs + 2);
  });
});
