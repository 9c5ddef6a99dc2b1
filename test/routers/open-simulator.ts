import { onTestFinished } from 'vitest';
import { openRouterSession } from '../../src/routers/node-routeros-session.ts';
import type { RouterSession } from '../../src/routers/router-session.ts';
import type { RouterSessionOptions } from '../../src/routers/session-options.ts';
import {
  type RouterosSimulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/routeros-simulator.ts';

export const CREDENTIALS = { user: 'autoblock', password: 'Geheim=5\\$"' };

/** A simulated router that is gone when the test is. */
export async function openSimulator(options: Partial<SimulatorOptions> = {}): Promise<RouterosSimulator> {
  const simulator = await startSimulator({ ...CREDENTIALS, ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A session with it (or with any port) that is closed when the test is over. */
export async function openSession(
  { port }: { port: number },
  options: Partial<RouterSessionOptions> = {},
): Promise<RouterSession> {
  const timeouts = { connectTimeoutMs: 5000, commandTimeoutMs: 5000 };
  const session = await openRouterSession({
    ...{ name: 'edge', host: '127.0.0.1', port, tls: { mode: 'plain' }, ...CREDENTIALS, ...timeouts },
    ...options,
  });
  onTestFinished(() => session.close());
  return session;
}
