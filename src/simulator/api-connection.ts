import type { Socket } from 'node:net';
import { createSentenceDecoder, encodeSentence } from '../routeros-wire/sentence-codec.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { type Answer, execute, type RouterState } from './commands.ts';
import type { FaultCounter, SimulatorFaults } from './faults.ts';
import { FragmentedWriter } from './fragmented-writer.ts';
import { type ApiRequest, parseRequest } from './request.ts';

/** What every connection to one simulated router shares. */
export interface SimulatedRouter {
  readonly state: RouterState;
  readonly faults: SimulatorFaults;
  readonly faultCounter: FaultCounter;
  readonly user: string;
  readonly password: string;
  /** Books the router's CPU for one command; milliseconds until its answer is ready. */
  bookCpuMs(): number;
}

interface WaitingCommand {
  readonly request: ApiRequest;
  readonly timer: NodeJS.Timeout;
}

/** One API client's connection: sentences in, login, faults, answers out. */
export class ApiConnection {
  readonly #socket: Socket;
  readonly #router: SimulatedRouter;
  readonly #writer: FragmentedWriter;
  readonly #waiting = new Set<WaitingCommand>();
  #loggedInAtMs: number | null = null;

  constructor(socket: Socket, router: SimulatedRouter) {
    this.#socket = socket;
    this.#router = router;
    this.#writer = new FragmentedWriter(socket, router.faults);
    const decoder = createSentenceDecoder();
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => {
      try {
        for (const words of decoder.push(piece)) this.#receive(parseRequest(words));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        // A client that does not speak the API is cut off, as by a router.
        socket.destroy();
      }
    });
    socket.on('close', () => {
      for (const { timer } of this.#waiting) clearTimeout(timer);
      this.#waiting.clear();
    });
  }

  /** Null until the client has logged in. */
  get loggedInAtMs(): number | null {
    return this.#loggedInAtMs;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  /** `reset`: with a TCP reset instead of a FIN (plain connections only). */
  destroy(options: { reset: boolean }): void {
    if (options.reset && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #receive(request: ApiRequest): void {
    const { faults } = this.#router;
    if (faults.silent || this.#socket.destroyed) return;
    if (request.command === '/cancel') {
      this.#cancel(request);
      return;
    }
    const waitMs = this.#router.bookCpuMs() + faults.delayMs;
    if (waitMs <= 0) {
      this.#serve(request);
      return;
    }
    const waiting: WaitingCommand = {
      request,
      timer: setTimeout(() => {
        this.#waiting.delete(waiting);
        this.#serve(request);
      }, waitMs),
    };
    this.#waiting.add(waiting);
  }

  #cancel(request: ApiRequest): void {
    const tag = request.attributes.get('tag');
    for (const waiting of [...this.#waiting]) {
      if (tag !== undefined && waiting.request.tag !== tag) continue;
      clearTimeout(waiting.timer);
      this.#waiting.delete(waiting);
      this.#refuse(waiting.request, new CommandRefusal(TRAP.interrupted, 'interrupted'));
    }
    this.#send([['!done']], request.tag);
  }

  #serve(request: ApiRequest): void {
    const { faults, faultCounter } = this.#router;
    const { command } = request;
    if (faults.closeBeforeLoginReply && command === '/login') {
      this.destroy({ reset: false });
      return;
    }
    const fatal = faultCounter.strike(faults.fatalOn, command);
    if (fatal !== null) {
      this.#fatal(fatal.message);
      return;
    }
    const trap = faultCounter.strike(faults.trapOn, command);
    if (trap !== null) {
      this.#refuse(request, new CommandRefusal(trap.category, trap.message));
      return;
    }
    const close = faultCounter.strike(faults.closeOn, command);
    const stalls = faultCounter.strike(faults.stallOn, command) !== null;
    const answer = close?.applied === false ? null : this.#carryOut(request);
    if (close !== null) this.destroy({ reset: close.reset === true });
    else if (!stalls) answer?.();
  }

  /** Carries the command out at once; sending the answer is left to the caller, because faults may suppress it. */
  #carryOut(request: ApiRequest): () => void {
    if (request.command === '/login') return this.#login(request);
    if (request.command === '/quit') return () => this.#fatal('session terminated on request');
    if (this.#loggedInAtMs === null) return () => this.#fatal('not logged in');
    try {
      const answer = execute(this.#router.state, request);
      return () => this.#answer(request, answer);
    } catch (error) {
      if (!(error instanceof CommandRefusal)) throw error;
      return () => this.#refuse(request, error);
    }
  }

  #login(request: ApiRequest): () => void {
    const isKnown =
      request.attributes.get('name') === this.#router.user &&
      request.attributes.get('password') === this.#router.password;
    if (!isKnown) {
      const refusal = new CommandRefusal(TRAP.general, 'invalid user name or password (6)');
      return () => this.#refuse(request, refusal);
    }
    this.#loggedInAtMs = this.#router.state.nowMs();
    return () => this.#send([['!done']], request.tag);
  }

  #answer(request: ApiRequest, answer: Answer): void {
    const sentences = answer.rows.map((row) => ['!re', ...attributeWords(row)]);
    const hasNothing = sentences.length === 0 && Object.keys(answer.done).length === 0;
    if (hasNothing && this.#saysEmpty(request.command)) sentences.push(['!empty']);
    sentences.push(['!done', ...attributeWords(answer.done)]);
    this.#send(sentences, request.tag);
  }

  #saysEmpty(command: string): boolean {
    const { faults, state } = this.#router;
    return faults.emptyReply ?? (command.endsWith('/print') && isAtLeast(state.version, [7, 18]));
  }

  #refuse(request: ApiRequest, refusal: CommandRefusal): void {
    const trap = ['!trap', `=category=${refusal.category}`, `=message=${refusal.message}`];
    this.#send([trap, ['!done']], request.tag);
  }

  #fatal(message: string): void {
    this.#send([['!fatal', message]], null);
    this.#writer.end();
  }

  /** All sentences of an answer in one write; an answer of 10,000 rows must not be 10,000 system calls. */
  #send(sentences: readonly (readonly string[])[], tag: string | null): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const tagged = sentences.map((words) =>
      tag === null ? words : [words[0]!, `.tag=${tag}`, ...words.slice(1)],
    );
    this.#writer.write(Buffer.concat(tagged.map(encodeSentence)));
  }
}

function attributeWords(row: Readonly<Record<string, string>>): string[] {
  return Object.entries(row).map(([name, value]) => `=${name}=${value}`);
}

/** Compares `7.20.1` with [7, 18] by number, not by text. */
function isAtLeast(version: string, [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
