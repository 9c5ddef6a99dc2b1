/**
 * The one owner of node-routeros (pinned to 1.6.9, no longer maintained). The library makes the sockets, hands out
 * channels and tags; the members below are replaced on our own instances, its prototypes stay as they are:
 *
 * - Receiver.processRawData: loses or corrupts data when words are cut between TCP segments, reads win1252, throws
 *   inside the socket's `data` event on an unknown tag.
 * - Channel.write (and through it processPacket): throws on `!empty` (every RouterOS since 7.18), drops the trap category, writes
 *   into the caller's array, never settles when the connection goes.
 * - Connector.write: one packet per word and win1252; its debug output would also hold the password.
 * - Connector.onConnect/onEnd/onError/onTimeout: no TCP_NODELAY, errors without a message, a second error on the socket
 *   ends the process, a close during the TLS handshake leaves connect() waiting for ever.
 * - RouterOSAPI.openChannel, holdConnection: where channels get their replacements; no keep-alive command, since every
 *   command has a deadline.
 * - RouterOSAPI.connect, close, login are not used: connect() may never settle, close() waits for an event that was
 *   removed, login() takes an unknown answer for a success and leaves a rejection unhandled.
 *
 * Modules are imported one by one because the package's index loads `source-map-support` (not installed) when the
 * environment happens to say ENV=testing.
 */
import type { Socket } from 'node:net';
import { Channel } from 'node-routeros/dist/Channel.js';
import { Connector } from 'node-routeros/dist/connector/Connector.js';
import { RouterOSAPI } from 'node-routeros/dist/RouterOSAPI.js';
import { AutoblockError, messageOf } from '../errors.ts';
import { createSentenceDecoder, encodeSentence } from '../routeros-wire/sentence-codec.ts';
import { brokenConnection, type ConnectionPhase, connectDeadlinePassed } from './connection-errors.ts';
import { PendingCommands } from './pending-commands.ts';
import { parseReply, reasonOf } from './reply-parsing.ts';
import { RouterRefusedError } from './router-answers.ts';
import type { ReplyRow, RouterSession } from './router-session.ts';
import { peerProblem, type RouterTls, tlsConnectOptions } from './tls-peer.ts';

export interface RouterSessionOptions extends RouterEndpoint {
  readonly user: string;
  readonly password: string;
}

interface RouterEndpoint {
  /** What the operator calls the router; for error texts. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: RouterTls;
  /** For connection, handshake and login together. */
  readonly connectTimeoutMs: number;
  /** For each command; when it passes, the whole connection is given up. */
  readonly commandTimeoutMs: number;
  /** Ends the session, or its opening, at once; `reason` is what everything under way rejects with. */
  readonly signal?: AbortSignal;
  /** The open session broke, and nobody here had asked for it: router rebooted, line cut, deadline passed. At most once. */
  readonly onLost?: (error: AutoblockError) => void;
}

/** Members of Connector and Receiver the adapter reads; declared private by the library. */
interface ConnectorInside {
  readonly socket: Socket;
  readonly receiver: { readonly tags: ReadonlyMap<string, { callback(words: string[]): void }> };
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
  readonly #api: RouterOSAPI;
  readonly #pending: PendingCommands;
  readonly #connectTimer: NodeJS.Timeout;
  #socket: Socket | null = null;
  #phase: ConnectionPhase = 'connecting';
  #lost: AutoblockError | null = null;
  #settleConnect: { resolve: () => void; reject: (error: AutoblockError) => void } | null = null;
  #lastTag = 0;
  readonly #onAbort = () => {
    const reason: unknown = this.#options.signal?.reason;
    this.#quit(reason instanceof AutoblockError ? reason : this.#closed());
  };

  constructor(options: RouterEndpoint) {
    this.#options = options;
    this.#where = options.host.includes(':')
      ? `[${options.host}]:${options.port}`
      : `${options.host}:${options.port}`;
    // Without user and password: the login is ours, the library need not hold a secret.
    this.#api = new RouterOSAPI({ host: options.host, port: options.port });
    this.#pending = new PendingCommands({
      where: this.#where,
      timeoutMs: options.commandTimeoutMs,
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
        throw this.#loginFailed('it wants the login of RouterOS before 6.43; upgrade the router');
      }
    } catch (error) {
      if (!(error instanceof RouterRefusedError)) throw error;
      throw this.#loginFailed(`user "${user}": ${error.routerMessage}`);
    }
    clearTimeout(this.#connectTimer);
    this.#phase = 'open';
  }

  async run(command: string, words: readonly string[]): Promise<readonly ReplyRow[]> {
    if (this.#lost !== null) throw this.#lost;
    if ([command, ...words].some((word) => word === '' || word.startsWith('.tag='))) {
      throw new RangeError('a command word is empty or a tag; the session sets tags itself');
    }
    return await this.#api.write([command, ...words]);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null || socket.destroyed || this.#phase !== 'open' || this.#lost !== null) {
      this.#quit(this.#closed());
      return;
    }
    this.#rejectAll(this.#closed());
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
    Object.assign(connector, this.#connectorMembers(connector));
    Object.assign(this.#api, {
      connector,
      openChannel: () => this.#openChannel(connector),
      holdConnection: () => undefined,
    });
    return connector;
  }

  #connectorMembers(connector: Connector): object {
    return {
      write: (words: string[]) => {
        this.#socket?.write(encodeSentence(words));
        return connector;
      },
      onConnect: () => {
        const { tls, name } = this.#options;
        const problem = peerProblem({ socket: this.#socket, tls, name, where: this.#where });
        // Nothing has been sent yet: a peer that is not the router never sees the login.
        if (problem !== null) {
          this.#giveUp(problem);
          return;
        }
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
          for (const words of decoder.push(data)) this.#receive(words, receiver.tags);
        } catch (error) {
          const cause = new Error(`what it sends is not the RouterOS API (${messageOf(error)})`, {
            cause: error,
          });
          this.#broken(cause);
        }
      },
    });
  }

  #receive(words: string[], tags: ConnectorInside['receiver']['tags']): void {
    if (words[0] === '!fatal') {
      const reason = reasonOf(parseReply(words));
      this.#giveUp(this.#phase === 'login' ? this.#loginFailed(reason) : this.#ended(reason));
      return;
    }
    // Out of step with us: a row that lies behind the odd word would be lost and its entry taken for missing.
    if (words[0]?.startsWith('!') !== true) {
      this.#giveUp(this.#ended('what it sends is not the RouterOS API'));
      return;
    }
    const tag = words.find((word) => word.startsWith('.tag='))?.slice('.tag='.length);
    const reader = tag === undefined ? undefined : tags.get(tag);
    if (reader !== undefined) reader.callback(words);
    // Every tag we sent is known until its `!done`: whoever answers another one is out of step with us.
    else this.#giveUp(this.#ended(`it sent ${words[0]} for a command nobody gave`));
  }

  #openChannel(connector: Connector): Channel {
    const channel = new Channel(connector);
    this.#lastTag += 1;
    const tag = String(this.#lastTag);
    Object.assign(channel, {
      id: tag,
      write: (words: readonly string[]) => {
        const answered = this.#pending.begin({
          tag,
          command: words[0] ?? '',
          release: () => channel.close(true),
        });
        connector.read(tag, (reply) => this.#pending.take(tag, parseReply(reply)));
        connector.write([...words, `.tag=${tag}`]);
        return answered;
      },
    });
    return channel;
  }

  #broken(cause: Error | null): void {
    const { name, host } = this.#options;
    this.#giveUp(brokenConnection({ name, host, where: this.#where, phase: this.#phase, cause }));
  }

  #closed(): AutoblockError {
    return new AutoblockError('ROUTER_CONNECTION_LOST', `the session with router ${this.#where} was closed`);
  }

  #ended(reason: string): AutoblockError {
    return new AutoblockError('ROUTER_CONNECTION_LOST', `router ${this.#where} ended the session: ${reason}`);
  }

  #loginFailed(reason: string): AutoblockError {
    return new AutoblockError('ROUTER_LOGIN_FAILED', `router ${this.#where} refused the login: ${reason}`);
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
