import { DueQueue, steadyNowMs } from './due-queue.ts';

/** A command that has arrived and waits for the CPU. */
interface Job {
  /** The connection it came over. */
  readonly owner: object;
  readonly tag: string | null;
  readonly work: () => void;
}

/**
 * The one CPU of a router: commands of all sessions wait for each other, each takes `commandDelayMs`. The book of when
 * it is free is kept apart from the timers, so that a timer's millisecond costs no command its turn: 1.5 ms each are
 * 666 a second over any longer while.
 */
export class RouterCpu {
  readonly #commandDelayMs: number;
  readonly #waiting = new DueQueue<Job>((jobs) => {
    for (const job of jobs) job.work();
  });
  #busyUntilMs = 0;

  constructor(commandDelayMs: number) {
    this.#commandDelayMs = commandDelayMs;
  }

  /** Does the work when the CPU has come to it; at once when commands cost nothing. */
  run(job: Job): void {
    if (this.#commandDelayMs <= 0) {
      job.work();
      return;
    }
    this.#busyUntilMs = Math.max(this.#busyUntilMs, steadyNowMs()) + this.#commandDelayMs;
    this.#waiting.push(job, this.#busyUntilMs);
  }

  /** Takes back waiting jobs of this tag (null: of any). Returns their tags. */
  cancel(owner: object, tag: string | null): (string | null)[] {
    const taken = this.#waiting.take((job) => job.owner === owner && (tag === null || job.tag === tag));
    return taken.map((job) => job.tag);
  }

  drop(owner: object): void {
    this.#waiting.take((job) => job.owner === owner);
  }

  stop(): void {
    this.#waiting.clear();
  }
}
