import { describe, expect, it } from 'vitest';
import { createClosers } from '../../src/daemon/closers.ts';
import { capturingLogger } from '../support/logger.ts';

describe('closers', () => {
  it('close in reverse order, all of them, also when one fails and one hangs', async () => {
    const { logger, lines } = capturingLogger();
    const closers = createClosers({ logger, deadlineMs: 20 });
    const closed: string[] = [];
    closers.add('ledger', () => void closed.push('ledger'));
    closers.add('hanging', () => new Promise<void>(() => undefined));
    closers.add('failing', () => {
      throw new Error('no');
    });
    closers.add('router', async () => {
      await Promise.resolve();
      closed.push('router');
    });

    expect(await closers.closeAll()).toEqual(['failing', 'hanging']);
    expect(closed).toEqual(['router', 'ledger']);
    expect(lines.map((line) => line['resource'])).toEqual(['failing', 'hanging']);
  });

  it('close nothing twice', async () => {
    const closers = createClosers({ logger: capturingLogger().logger, deadlineMs: 20 });
    let count = 0;
    closers.add('once', () => void (count += 1));
    await closers.closeAll();
    await closers.closeAll();
    expect(count).toBe(1);
  });
});
