import { Worker } from 'node:worker_threads';
import type { TrainingAnswer, TrainingOrder } from './training.worker.ts';

const STOPPING = 'training stopped because the daemon is stopping';

/** Trains beside the running detection. The thread dies with `signal`; what it half wrote is never loaded. */
export function trainInThread(order: TrainingOrder, signal: AbortSignal): Promise<TrainingAnswer> {
  // A signal that has fired tells nobody any more: the thread would go on, and the daemon wait for it.
  if (signal.aborted) return Promise.resolve({ ok: false, code: 'INTERNAL', message: STOPPING });
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./training.worker.js', import.meta.url), { workerData: order });
    let answer: TrainingAnswer | null = null;
    const stop = (): void => void worker.terminate();
    signal.addEventListener('abort', stop, { once: true });
    worker.on('message', (message: TrainingAnswer) => {
      answer = message;
    });
    worker.on('error', (thrown) => {
      answer = { ok: false, code: 'INTERNAL', message: thrown.message };
    });
    worker.on('exit', (exitCode) => {
      signal.removeEventListener('abort', stop);
      const message = signal.aborted ? STOPPING : `training thread ended with code ${exitCode} and no answer`;
      resolve(answer ?? { ok: false, code: 'INTERNAL', message });
    });
  });
}
