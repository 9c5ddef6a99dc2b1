import { AutoblockError } from '../errors.ts';
import { categoryOf, type Reply, reasonOf } from './reply-parsing.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { ReplyRow, Settle } from './router-session.ts';

interface PendingCommand {
  readonly command: string;
  readonly sinceMs: number;
  readonly rows: ReplyRow[];
  /** The first `!trap`; it settles the command only at `!done`, which always follows. */
  refusal: Reply | null;
  readonly settle: Settle;
}

/** The commands of one connection that wait for their `!done`, by tag. Every one of them is settled, come what may. */
export class PendingCommands {
  readonly #where: string;
  readonly #timeoutMs: number;
  readonly #monotonicMs: () => number;
  readonly #onDeadline: (error: AutoblockError) => void;
  /** In the order they were given, which is the order their deadlines pass in. */
  readonly #byTag = new Map<string, PendingCommand>();
  /** When the last reply came in: a long list on its way is no silence, and what waits behind it is not forgotten. */
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #sweep: NodeJS.Timeout | undefined;
  #lookAgain: NodeJS.Immediate | undefined;

  /** `timeoutMs`: longest silence while a command waits. `onDeadline` must give the connection up: a reply that comes too late has nobody to go to. */
  constructor(options: {
    where: string;
    timeoutMs: number;
    monotonicMs: () => number;
    onDeadline: (error: AutoblockError) => void;
  }) {
    this.#where = options.where;
    this.#timeoutMs = options.timeoutMs;
    this.#monotonicMs = options.monotonicMs;
    this.#onDeadline = options.onDeadline;
  }

  /** `settle` is called once: at `!done`, at the deadline or when the connection goes. */
  begin(options: { tag: string; command: string; settle: Settle }): void {
    const { tag, command, settle } = options;
    const sinceMs = this.#monotonicMs();
    this.#byTag.set(tag, { command, sinceMs, rows: [], refusal: null, settle });
    // One timer for all: a timer per command costs more than the command.
    if (this.#sweep === undefined) this.#armSweep(this.#timeoutMs);
  }

  /**
   * False: nobody waits for this tag. Kinds not named here (`!empty`, and what RouterOS may add next) carry nothing we need:
   * `!done` is always last.
   */
  take(reply: Reply): boolean {
    const pending = reply.tag === null ? undefined : this.#byTag.get(reply.tag);
    if (pending === undefined) return false;
    this.#heardAtMs = this.#monotonicMs();
    const { kind, attributes } = reply;
    if (kind === '!re') pending.rows.push(attributes ?? {});
    else if (kind === '!trap') pending.refusal ??= reply;
    else if (kind === '!done') {
      if (attributes !== null) pending.rows.push(attributes);
      this.#byTag.delete(reply.tag!);
      if (this.#byTag.size === 0) this.#disarm();
      pending.settle(this.#refusalOf(pending), pending.rows);
    }
    return true;
  }

  rejectAll(error: AutoblockError): void {
    this.#disarm();
    const waiting = [...this.#byTag.values()];
    this.#byTag.clear();
    for (const { settle } of waiting) settle(error, []);
  }

  #refusalOf({ command, refusal }: PendingCommand): RouterRefusedError | null {
    if (refusal === null) return null;
    const routerMessage = reasonOf(refusal);
    return new RouterRefusedError({
      where: this.#where,
      command,
      routerMessage,
      category: categoryOf(refusal),
    });
  }

  #armSweep(delayMs: number): void {
    this.#sweep = setTimeout(() => this.#sweepNow({ isSecondLook: false }), delayMs);
  }

  #disarm(): void {
    clearTimeout(this.#sweep);
    clearImmediate(this.#lookAgain);
    this.#sweep = undefined;
    this.#lookAgain = undefined;
  }

  #sweepNow({ isSecondLook }: { isSecondLook: boolean }): void {
    const oldest = this.#byTag.values().next().value;
    if (oldest === undefined) {
      this.#disarm();
      return;
    }
    const leftMs = Math.max(oldest.sinceMs, this.#heardAtMs) + this.#timeoutMs - this.#monotonicMs();
    if (leftMs > 0) this.#armSweep(leftMs);
    else if (isSecondLook) {
      const whatHappened = `router ${this.#where} said nothing for ${this.#timeoutMs} ms while ${oldest.command} waited for its answer`;
      this.#onDeadline(new AutoblockError('ROUTER_TIMEOUT', whatHappened));
    }
    // When this process itself was held up, the answer may lie unread: timers run before sockets are read.
    else this.#lookAgain = setImmediate(() => this.#sweepNow({ isSecondLook: true }));
  }
}
