import { onTestFinished } from 'vitest';
import {
  createRouterConnection,
  type RouterConnection,
  type RouterConnectionOptions,
} from '../../src/routers/router-connection.ts';
import { CREDENTIALS } from './open-simulator.ts';

/** A connection with the simulator (or any port), closed when the test is over. */
export function openConnection(
  { port }: { port: number },
  options: Partial<RouterConnectionOptions> = {},
): RouterConnection {
  const lists = { addressListV4: 'autoblock', addressListV6: 'autoblock', commandsInFlight: 16 };
  const endpoint = { name: 'edge', host: '127.0.0.1', port, tls: { mode: 'plain' }, ...lists } as const;
  const router = createRouterConnection({ ...endpoint, ...CREDENTIALS, ...options });
  onTestFinished(() => router.close());
  return router;
}
