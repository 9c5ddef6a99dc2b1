/**
 * The one owner of node-routeros (pinned to 1.6.9, no longer maintained). Of the library we use the Connector, which makes
 * and wires the socket, plain or TLS; the members below are replaced on our own instance, its prototypes stay as they are:
 *
 * - Receiver.processRawData: loses or corrupts data when words are cut between TCP segments, reads win1252, throws
 *   inside the socket's `data` event on an unknown tag.
 * - Connector.onConnect/onEnd/onError/onTimeout: no TCP_NODELAY, errors without a message, a second error on the socket
 *   ends the process, a close during the TLS handshake leaves connect() waiting for ever, and nobody looks whom it talks to
 *   before the login is sent.
 *
 * Not used at all:
 * - Connector.write and Transmitter: one packet per word and win1252; their debug output would also hold the password.
 * - Channel: throws on `!empty` (every RouterOS since 7.18), drops the trap category, writes into the caller's array, never
 *   settles when the connection goes, and is an event emitter per command.
 * - RouterOSAPI: connect() may never settle, close() waits for an event that was removed, login() takes an unknown answer
 *   for a success and leaves a rejection unhandled.
 *
 * The module is imported by itself because the package's index loads `source-map-support` (not installed) when the
 * environment happens to say ENV=testing.
 */
import type { Socket } from 'node:net';
import { Connector } from 'node-routeros/dist/connector/Connector.js';
import { AutoblockError, messageOf } from '../errors.ts';
import {
  createSentenceDecoder,
  createSentenceWriter,
  type SentenceWriter,
} from '../routeros-wire/sentence-codec.ts';
import { warnOfValidity } from './certificate-validity.ts';
import {
  brokenConnection,
  type ConnectionPhase,
  connectDeadlinePassed,
  loginFailed,
  sessionClosed,
  sessionEnded,
} from './connection-errors.ts';
import { PendingCommands } from './pending-commands.ts';
import { parseReply, type Reply, reasonOf } from './reply-parsing.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { ReplyRow, RouterSession, Settle } from './router-session.ts';
import type { RouterEndpoint, RouterSessionOptions } from './session-options.ts';
import { peerCertificate, peerProblem, tlsConnectOptions } from './tls-peer.ts';

/** Members of Connector the adapter reaches for; declared private by the library. */
interface ConnectorInside {
  readonly socket: Socket;
  readonly receiver: object;
}

/** A FIN unanswered for this long is followed by a hard close. */
const CLOSE_GRACE_MS = 1000;

/**
 * Connects and logs in. Rejects with ROUTER_UNREACHABLE, ROUTER_TLS, ROUTER_LOGIN_FAILED or ROUTER_TIMEOUT and then has
 * left nothing open.
 */
export async function openRouterSession(options: RouterSessionOptions): Promise<RouterSession> {
  const session = new NodeRouterosSession(options);
  try {
    await session.connect();
    await session.login(options);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

class NodeRouterosSession implements RouterSession {
  readonly #options: RouterEndpoint;
  readonly #where: string;
  /** The sentences of this turn of the event loop, to leave in one write; null when there are none yet. */
  #outgoing: SentenceWriter | null = null;
  readonly #pending: PendingCommands;
  readonly #connectTimer: NodeJS.Timeout;
  #socket: Socket | null = null;
  #phase: ConnectionPhase = 'connecting';
  #lost: AutoblockError | null = null;
  #settleConnect: { resolve: () => void; reject: (error: AutoblockError) => void } | null = null;
  #lastTag = 0;
  readonly #onAbort = () => {
    const reason: unknown = this.#options.signal?.reason;
    this.#quit(reason instanceof AutoblockError ? reason : sessionClosed(this.#where));
  };

  constructor(options: RouterEndpoint) {
    this.#options = options;
    this.#where = options.host.includes(':')
      ? `[${options.host}]:${options.port}`
      : `${options.host}:${options.port}`;
    this.#pending = new PendingCommands({
      where: this.#where,
      timeoutMs: options.commandTimeoutMs,
      monotonicMs: () => performance.now(),
      onDeadline: (error) => this.#giveUp(error),
    });
    this.#connectTimer = setTimeout(() => {
      const timeoutMs = options.connectTimeoutMs;
      this.#giveUp(connectDeadlinePassed({ where: this.#where, phase: this.#phase, timeoutMs }));
    }, options.connectTimeoutMs);
    if (options.signal?.aborted === true) this.#onAbort();
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#lost !== null;
  }

  connect(): Promise<void> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#settleConnect = { resolve, reject };
      const connector = this.#createConnector();
      const overTls = this.#options.tls.mode !== 'plain';
      try {
        connector.connect();
      } catch (error) {
        // Only unusable arguments throw here: with TLS, an authority that is no certificate.
        const cause = error instanceof Error ? error : new Error(messageOf(error));
        this.#phase = overTls ? 'handshake' : 'connecting';
        this.#broken(cause);
        return;
      }
      this.#adopt(connector, { overTls });
    });
  }

  async login(credentials: { user: string; password: string }): Promise<void> {
    const { user, password } = credentials;
    try {
      const rows = await this.run('/login', [`=name=${user}`, `=password=${password}`]);
      if (rows.some((row) => row['ret'] !== undefined)) {
        throw loginFailed(this.#where, 'it wants the login of RouterOS before 6.43; upgrade the router');
      }
    } catch (error) {
      if (!(error instanceof RouterRefusedError)) throw error;
      throw loginFailed(this.#where, `user "${user}": ${error.routerMessage}`);
    }
    clearTimeout(this.#connectTimer);
    this.#phase = 'open';
  }

  run(command: string, words: readonly string[]): Promise<readonly ReplyRow[]> {
    return new Promise((resolve, reject) => {
      this.begin(command, words, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
  }

  begin(command: string, words: readonly string[], settle: Settle): void {
    if (command === '' || words.some((word) => word === '' || word.startsWith('.tag='))) {
      throw new RangeError('a command word is empty or a tag; the session sets tags itself');
    }
    const lost = this.#lost;
    if (lost !== null) {
      // Later, as always: whoever begins commands in a loop must not be called back inside it.
      queueMicrotask(() => settle(lost, []));
      return;
    }
    this.#lastTag += 1;
    const tag = String(this.#lastTag);
    this.#pending.begin({ tag, command, settle });
    const writer = (this.#outgoing ??= this.#startWriting());
    writer.word(command);
    for (const word of words) writer.word(word);
    writer.word(`.tag=${tag}`);
    writer.end();
  }

  #warnOfValidity(): void {
    const { logger, nowMs = Date.now, tls, name } = this.#options;
    const certificate = tls.mode === 'verified' ? peerCertificate(this.#socket) : null;
    if (tls.mode !== 'verified' || certificate === null || logger === undefined) return;
    const isPinned = tls.fingerprint !== null && tls.caPem === null;
    warnOfValidity({ logger, router: name, isPinned, certificate, nowMs: nowMs() });
  }

  #startWriting(): SentenceWriter {
    // After the promises of this turn, so that what they begin leaves in the same write.
    process.nextTick(() => {
      const written = this.#outgoing?.bytes();
      this.#outgoing = null;
      if (this.#lost === null && written !== undefined) this.#socket?.write(written);
    });
    return createSentenceWriter();
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null || socket.destroyed || this.#phase !== 'open' || this.#lost !== null) {
      this.#quit(sessionClosed(this.#where));
      return;
    }
    this.#rejectAll(sessionClosed(this.#where));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  #createConnector(): Connector {
    const { host, port } = this.#options;
    const tls = tlsConnectOptions(this.#options.tls);
    // The library sets its idle timeout from `timeout` and fails on 0; #adopt switches that timeout off.
    const plain = { host, port, timeout: 1 };
    const connector = new Connector(tls === null ? plain : { ...plain, tls });
    Object.assign(connector, this.#connectorMembers());
    return connector;
  }

  #connectorMembers(): object {
    return {
      onConnect: () => {
        const { tls, name } = this.#options;
        const problem = peerProblem({ socket: this.#socket, tls, name, where: this.#where });
        // Nothing has been sent yet: a peer that is not the router never sees the login.
        if (problem !== null) {
          this.#giveUp(problem);
          return;
        }
        this.#warnOfValidity();
        this.#phase = 'login';
        this.#settleConnect?.resolve();
      },
      onEnd: () => this.#broken(null),
      onError: (error: Error) => this.#broken(error),
      // The library's idle timeout is switched off; deadlines are per command.
      onTimeout: () => undefined,
    };
  }

  #adopt(connector: Connector, options: { overTls: boolean }): void {
    const { socket, receiver } = connector as unknown as ConnectorInside;
    this.#socket = socket;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    // The last word in every case: a destroyed socket says 'close' and maybe nothing else.
    socket.once('close', () => this.#broken(null));
    if (options.overTls) {
      socket.once('connect', () => {
        this.#phase = 'handshake';
      });
    }
    const decoder = createSentenceDecoder();
    Object.assign(receiver, {
      processRawData: (data: Buffer) => {
        try {
          for (const words of decoder.push(data)) this.#receive(parseReply(words));
        } catch (error) {
          const cause = new Error(`what it sends is not the RouterOS API (${messageOf(error)})`, {
            cause: error,
          });
          this.#broken(cause);
        }
      },
    });
  }

  #receive(reply: Reply): void {
    if (this.#lost !== null) return;
    if (reply.kind === '!fatal') {
      const reason = reasonOf(reply);
      this.#giveUp(
        this.#phase === 'login' ? loginFailed(this.#where, reason) : sessionEnded(this.#where, reason),
      );
    }
    // A row that lies behind the odd word would be lost and its entry taken for missing.
    else if (!reply.kind.startsWith('!'))
      this.#giveUp(sessionEnded(this.#where, 'what it sends is not the RouterOS API'));
    // Every tag we sent is known until its `!done`: whoever answers another one is out of step with us.
    else if (!this.#pending.take(reply)) {
      this.#giveUp(sessionEnded(this.#where, `it sent ${reply.kind} for a command nobody gave`));
    }
  }

  #broken(cause: Error | null): void {
    const { name, host } = this.#options;
    this.#giveUp(brokenConnection({ name, host, where: this.#where, phase: this.#phase, cause }));
  }

  /** The session broke: the first reason stays, everything under way rejects with it, the socket goes. */
  #giveUp(error: AutoblockError): void {
    const isNews = this.#lost === null && this.#phase === 'open';
    this.#quit(error);
    if (isNews) this.#options.onLost?.(error);
  }

  /** As `#giveUp`, but from this side: nobody is told. */
  #quit(error: AutoblockError): void {
    this.#rejectAll(error);
    // Only the socket: the library's destroy() would also take away the listener that keeps late errors harmless.
    this.#socket?.destroy();
  }

  #rejectAll(error: AutoblockError): void {
    this.#lost ??= error;
    clearTimeout(this.#connectTimer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#settleConnect?.reject(this.#lost);
    this.#pending.rejectAll(this.#lost);
  }
}
