import { AutoblockError } from '../errors.ts';
import { categoryOf, type Reply, reasonOf } from './reply-parsing.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { ReplyRow } from './router-session.ts';

interface PendingCommand {
  readonly command: string;
  readonly rows: ReplyRow[];
  /** The first `!trap`; it settles the command only at `!done`, which always follows. */
  refusal: Reply | null;
  readonly timer: NodeJS.Timeout;
  /** Called once, when the command is settled either way. */
  readonly release: () => void;
  readonly resolve: (rows: readonly ReplyRow[]) => void;
  readonly reject: (error: AutoblockError) => void;
}

/** The commands of one connection that wait for their `!done`, by tag. Every one of them is settled, come what may. */
export class PendingCommands {
  readonly #where: string;
  readonly #timeoutMs: number;
  readonly #onDeadline: (error: AutoblockError) => void;
  readonly #byTag = new Map<string, PendingCommand>();

  /** `onDeadline` must give the connection up: a reply that comes too late has nobody to go to. */
  constructor(options: { where: string; timeoutMs: number; onDeadline: (error: AutoblockError) => void }) {
    this.#where = options.where;
    this.#timeoutMs = options.timeoutMs;
    this.#onDeadline = options.onDeadline;
  }

  /** The promise settles at `!done`, at the deadline or when the connection goes. */
  begin(options: { tag: string; command: string; release: () => void }): Promise<readonly ReplyRow[]> {
    const { tag, command, release } = options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const whatHappened = `router ${this.#where} did not answer ${command} in ${this.#timeoutMs} ms`;
        this.#onDeadline(new AutoblockError('ROUTER_TIMEOUT', whatHappened));
      }, this.#timeoutMs);
      this.#byTag.set(tag, { command, rows: [], refusal: null, timer, release, resolve, reject });
    });
  }

  /** Kinds not named here (`!empty`, and what RouterOS may add next) carry nothing we need: `!done` is always last. */
  take(tag: string, reply: Reply): void {
    const pending = this.#byTag.get(tag);
    if (pending === undefined) return;
    if (reply.kind === '!re') pending.rows.push(reply.attributes);
    else if (reply.kind === '!trap') pending.refusal ??= reply;
    else if (reply.kind === '!done') {
      if (Object.keys(reply.attributes).length > 0) pending.rows.push(reply.attributes);
      this.#finish(tag, pending);
    }
  }

  rejectAll(error: AutoblockError): void {
    for (const [tag, pending] of this.#byTag) {
      this.#forget(tag, pending);
      pending.reject(error);
    }
  }

  #finish(tag: string, pending: PendingCommand): void {
    this.#forget(tag, pending);
    const { command, refusal } = pending;
    if (refusal === null) {
      pending.resolve(pending.rows);
      return;
    }
    const routerMessage = reasonOf(refusal);
    const category = categoryOf(refusal);
    pending.reject(new RouterRefusedError({ where: this.#where, command, routerMessage, category }));
  }

  #forget(tag: string, pending: PendingCommand): void {
    clearTimeout(pending.timer);
    this.#byTag.delete(tag);
    pending.release();
  }
}
