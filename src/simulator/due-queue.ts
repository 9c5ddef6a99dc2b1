/**
 * How much too early an item may be handed over, in ms. Timers fire up to a whole millisecond late; by answering as much
 * too early when a timer happens to be early the mean stays right, and one timer serves all that are due together.
 */
const EARLY_MS = 0.5;

/** The clock of queues, in ms: real time, because it paces real answers. */
export function steadyNowMs(): number {
  return performance.now();
}

/** Hands items over in the order they came, each when its time has come; one timer for all of them. */
export class DueQueue<Item> {
  readonly #handOver: (items: readonly Item[]) => void;
  #items: { readonly item: Item; readonly dueMs: number }[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | null = null;

  /** `handOver` gets all that are due together, at least one. */
  constructor(handOver: (items: readonly Item[]) => void) {
    this.#handOver = handOver;
  }

  get isEmpty(): boolean {
    return this.#next === this.#items.length;
  }

  /** `dueMs` by steadyNowMs; an item due before its predecessor waits for it. */
  push(item: Item, dueMs: number): void {
    this.#items.push({ item, dueMs });
    this.#arm();
  }

  /** Items that wait and fulfil `condition`, which then wait no more. */
  take(condition: (item: Item) => boolean): Item[] {
    const waiting = this.#items.slice(this.#next);
    this.#items = waiting.filter(({ item }) => !condition(item));
    this.#next = 0;
    return waiting.map(({ item }) => item).filter(condition);
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    const first = this.#items[this.#next];
    if (first === undefined || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, first.dueMs - steadyNowMs() - EARLY_MS));
  }

  #run(): void {
    this.#timer = null;
    const untilMs = steadyNowMs() + EARLY_MS;
    const due: Item[] = [];
    for (;;) {
      const first = this.#items[this.#next];
      if (first === undefined || first.dueMs > untilMs) break;
      this.#next += 1;
      due.push(first.item);
    }
    this.#forgetDone();
    if (due.length > 0) this.#handOver(due);
    this.#arm();
  }

  /** In big steps, so that a long queue is not copied for every item. */
  #forgetDone(): void {
    if (this.#next < 1024 && this.#next < this.#items.length) return;
    this.#items = this.#items.slice(this.#next);
    this.#next = 0;
  }
}
