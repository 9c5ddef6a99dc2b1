import { AutoblockError } from '../errors.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { RouterSession } from './router-session.ts';

/** What the opener of a session gets: when to stop, and whom to tell when the open session breaks. */
export interface SessionHooks {
  readonly signal: AbortSignal;
  readonly onLost: (error: AutoblockError) => void;
}

interface Kept {
  readonly opening: Promise<RouterSession>;
  /** Null until it is open. */
  session: RouterSession | null;
  readonly ending: AbortController;
  /** Ended from this side: what was under way is not tried again. */
  isEnded: boolean;
}

/**
 * At most one session with one router: opened by its first use, shared by parallel ones, kept while it holds, asked for a
 * sign of life while it is idle, replaced by the next use once it is over.
 */
export class KeptSession {
  readonly #open: (hooks: SessionHooks) => Promise<RouterSession>;
  readonly #keepAliveMs: number;
  readonly #listeners: (() => void)[] = [];
  #kept: Kept | null = null;
  #users = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: { open: (hooks: SessionHooks) => Promise<RouterSession>; keepAliveMs: number }) {
    this.#open = options.open;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** Called each time the open session broke without our doing. */
  onLost(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** `isRepeatable`: only reads, so it is tried once more when a session kept from before turns out to be dead. */
  async use<Result>(
    work: (session: RouterSession) => Promise<Result>,
    { isRepeatable }: { isRepeatable: boolean },
  ): Promise<Result> {
    const reused = this.#kept;
    try {
      return await this.#useOnce(work);
    } catch (error) {
      const hasDied = error instanceof AutoblockError && error.code === 'ROUTER_CONNECTION_LOST';
      if (!isRepeatable || reused === null || reused.isEnded || !hasDied) throw error;
      return this.#useOnce(work);
    }
  }

  /** The session, or its opening, ends now; everything under way rejects with `reason`. */
  giveUp(reason: AutoblockError): void {
    const kept = this.#forget();
    if (kept === null) return;
    kept.isEnded = true;
    kept.ending.abort(reason);
  }

  /** As `giveUp`, but an open session says goodbye. The next use opens a new one. */
  async close(): Promise<void> {
    const kept = this.#forget();
    if (kept === null) return;
    kept.isEnded = true;
    if (kept.session === null) {
      kept.ending.abort(new AutoblockError('ROUTER_CONNECTION_LOST', 'the connection was closed from here'));
    }
    // An opening that fails is told to whoever asked for it; there is nothing left to close then.
    await kept.opening.then(
      (session) => session.close(),
      () => undefined,
    );
  }

  async #useOnce<Result>(work: (session: RouterSession) => Promise<Result>): Promise<Result> {
    const kept = (this.#kept ??= this.#keep());
    this.#users += 1;
    clearTimeout(this.#idleTimer);
    try {
      kept.session = await kept.opening;
      return await work(kept.session);
    } finally {
      this.#users -= 1;
      // One that never opened or is over is of no use: the next call opens a new one.
      if (kept.session?.isOver !== false) this.#forgetIf(kept);
      this.#armKeepAlive();
    }
  }

  #keep(): Kept {
    const ending = new AbortController();
    const kept: Kept = {
      session: null,
      ending,
      isEnded: false,
      opening: this.#open({
        signal: ending.signal,
        onLost: () => {
          this.#forgetIf(kept);
          for (const listener of this.#listeners) listener();
        },
      }),
    };
    return kept;
  }

  #forgetIf(kept: Kept): void {
    if (this.#kept === kept) this.#forget();
  }

  #forget(): Kept | null {
    clearTimeout(this.#idleTimer);
    const kept = this.#kept;
    this.#kept = null;
    return kept;
  }

  /** One timer, only while nothing is under way; it keeps no process alive. */
  #armKeepAlive(): void {
    if (this.#users > 0 || this.#kept === null) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => void this.#askForLife(), this.#keepAliveMs);
    this.#idleTimer.unref();
  }

  async #askForLife(): Promise<void> {
    if (this.#kept === null) return;
    try {
      await this.#useOnce((session) => session.run('/system/resource/print', ['=.proplist=uptime']));
    } catch (error) {
      // A refusal is a sign of life; a session that broke has been told to the listeners of onLost, and the next use reopens.
      if (!(error instanceof RouterRefusedError || error instanceof AutoblockError)) throw error;
    }
  }
}
