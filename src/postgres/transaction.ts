import type { Pool, PoolClient } from 'pg';

/**
 * Runs `work` in one transaction on a connection borrowed from the pool. When anything fails the connection is closed
 * instead of given back: that rolls back and ends whatever the server still does for it.
 *
 * @param options.statementTimeoutMs milliseconds the server gives a statement; 0 = without end
 * @throws whatever `work` or the driver throws
 */
export async function inTransaction<T>(
  pool: Pool,
  options: { readonly readOnly: boolean; readonly statementTimeoutMs: number },
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The loss of a borrowed connection is an event as well as a rejection; the rejection is the one that counts.
  const ignoreEvent = (): void => undefined;
  client.on('error', ignoreEvent);
  try {
    await client.query(options.readOnly ? 'BEGIN READ ONLY' : 'BEGIN');
    await client.query(`SET LOCAL statement_timeout = ${options.statementTimeoutMs}`);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (thrown) {
    broken = thrown instanceof Error ? thrown : new Error(String(thrown));
    throw thrown;
  } finally {
    client.off('error', ignoreEvent);
    client.release(broken);
  }
}
