import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWindowSize } from '../../src/routers/window-size.ts';

/** A router so far away (ms there and back) and so slow (ms of its CPU a command): answers come as fast as both allow. */
function pushTo(router: { roundTripMs: number; cpuMs: number }, options: { limit: number; answers: number }) {
  const clock = { ms: 0 };
  const window = createWindowSize({ limit: options.limit, monotonicMs: () => clock.ms });
  const push = ({ roundTripMs, cpuMs }: typeof router, answers: number) => {
    for (let done = 0; done < answers; done += 1) {
      clock.ms += Math.max(cpuMs, (roundTripMs + cpuMs) / window.size);
      window.answered();
    }
  };
  push(router, options.answers);
  return { window, push };
}

describe('the number of commands under way', () => {
  it('grows to the limit where the network is what takes the time', () => {
    expect(pushTo({ roundTripMs: 5, cpuMs: 0.02 }, { limit: 64, answers: 2000 }).window.size).toBe(64);
  });

  it('stays small where the CPU of the router is: more would only wait in its queue', () => {
    expect(pushTo({ roundTripMs: 0.3, cpuMs: 1.5 }, { limit: 64, answers: 1000 }).window.size).toBe(16);
  });

  it('grows later when the router was only busy at first', () => {
    const { window, push } = pushTo({ roundTripMs: 5, cpuMs: 5 }, { limit: 64, answers: 500 });
    expect(window.size).toBe(16);
    push({ roundTripMs: 5, cpuMs: 0.02 }, 5000);
    expect(window.size).toBe(64);
  });

  it('lies between 8 and the limit, whatever the router does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 64 }),
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 3000 }),
        (limit, pauses) => {
          const clock = { ms: 0 };
          const window = createWindowSize({ limit, monotonicMs: () => clock.ms });
          for (const pause of pauses) {
            clock.ms += pause;
            window.answered();
            expect(window.size).toBeGreaterThanOrEqual(Math.min(8, limit));
            expect(window.size).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { seed: 4, numRuns: 50 },
    );
  });
});
