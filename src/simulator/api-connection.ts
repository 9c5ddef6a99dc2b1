import type { Socket } from 'node:net';
import { createSentenceDecoder, encodeSentence } from '../routeros-wire/sentence-codec.ts';
import { encodeAnswer, encodeRefusal } from './answer-encoding.ts';
import { CommandRefusal, TRAP } from './command-refusal.ts';
import { execute, policiesOf } from './commands.ts';
import { DueQueue, steadyNowMs } from './due-queue.ts';
import type { FaultCounter } from './faults.ts';
import { FragmentedWriter } from './fragmented-writer.ts';
import { type ApiRequest, parseRequest } from './request.ts';
import type { RouterCpu } from './router-cpu.ts';
import type { RouterState } from './router-state.ts';

/** What every connection to one simulated router shares. */
export interface SimulatedRouter {
  readonly state: RouterState;
  readonly faultCounter: FaultCounter;
  readonly cpu: RouterCpu;
  /** How often each command came in, by name. */
  readonly received: Map<string, number>;
  password: string;
  reboot(options: { downMs: number }): void;
}

/** One API client's connection: sentences in, login, faults, answers out. */
export class ApiConnection {
  readonly #socket: Socket;
  readonly #router: SimulatedRouter;
  readonly #writer: FragmentedWriter;
  /** Answers on their way back through a slow network; null is the end of the connection. */
  readonly #onTheWay: DueQueue<Uint8Array | null>;
  #loggedInAtMs: number | null = null;
  #isEnding = false;

  constructor(socket: Socket, router: SimulatedRouter) {
    this.#socket = socket;
    this.#router = router;
    this.#writer = new FragmentedWriter(socket, router.state.faults);
    this.#onTheWay = new DueQueue((answers) => this.#deliver(answers));
    const decoder = createSentenceDecoder();
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => {
      // All answers to what came in together leave in one system call.
      socket.cork();
      try {
        for (const words of decoder.push(piece)) this.#receive(parseRequest(words));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        // A client that does not speak the API is cut off, as by a router.
        socket.destroy();
      } finally {
        socket.uncork();
      }
    });
    socket.on('close', () => {
      this.#onTheWay.clear();
      router.cpu.drop(this);
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
    // What was answered before is sent before.
    this.#socket.uncork();
    if (options.reset && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #receive(request: ApiRequest): void {
    const { state, cpu, received } = this.#router;
    if (state.faults.silent || this.#socket.destroyed) return;
    received.set(request.command, (received.get(request.command) ?? 0) + 1);
    if (request.command === '/cancel') this.#cancel(request);
    else cpu.run({ owner: this, tag: request.tag, work: () => this.#serve(request) });
  }

  #cancel(request: ApiRequest): void {
    for (const tag of this.#router.cpu.cancel(this, request.attributes.get('tag') ?? null)) {
      this.#send(encodeRefusal(new CommandRefusal(TRAP.interrupted, 'interrupted'), tag));
    }
    this.#sendDone(request);
  }

  #serve(request: ApiRequest): void {
    const { faultCounter, state } = this.#router;
    const { faults } = state;
    const { command } = request;
    if (this.#socket.destroyed || this.#isEnding) return;
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
    const reboot = faultCounter.strike(faults.rebootOn, command);
    const stalls = faultCounter.strike(faults.stallOn, command) !== null;
    const answer = close?.applied === false || reboot?.applied === false ? null : this.#carryOut(request);
    if (reboot !== null) this.#router.reboot({ downMs: reboot.downMs ?? 0 });
    else if (close !== null) this.destroy({ reset: close.reset === true });
    else if (!stalls) answer?.();
  }

  /** Carries the command out at once; sending the answer is left to the caller, because faults may suppress it. */
  #carryOut(request: ApiRequest): () => void {
    if (request.command === '/login') return this.#login(request);
    if (request.command === '/quit') return () => this.#fatal('session terminated on request');
    if (this.#loggedInAtMs === null) return () => this.#fatal('not logged in');
    try {
      const answer = execute(this.#router.state, request);
      const saysEmpty =
        this.#router.state.faults.emptyReply ??
        (request.command.endsWith('/print') && this.#router.state.saysEmpty);
      return () => this.#send(encodeAnswer(answer, { tag: request.tag, saysEmpty }));
    } catch (error) {
      if (!(error instanceof CommandRefusal)) throw error;
      return () => this.#refuse(request, error);
    }
  }

  #login(request: ApiRequest): () => void {
    const { state, password } = this.#router;
    const isKnown =
      request.attributes.get('name') === state.user && request.attributes.get('password') === password;
    // A user without the policy `api` is told the same: our assumption, as the manual names no wording.
    if (!isKnown || !policiesOf(state).includes('api')) {
      const refusal = new CommandRefusal(TRAP.general, 'invalid user name or password (6)');
      return () => this.#refuse(request, refusal);
    }
    this.#loggedInAtMs = state.nowMs();
    return () => this.#sendDone(request);
  }

  #refuse(request: ApiRequest, refusal: CommandRefusal): void {
    this.#send(encodeRefusal(refusal, request.tag));
  }

  #sendDone(request: ApiRequest): void {
    this.#send(encodeSentence(request.tag === null ? ['!done'] : ['!done', `.tag=${request.tag}`]));
  }

  #fatal(message: string): void {
    this.#isEnding = true;
    this.#send(encodeSentence(['!fatal', message]));
    this.#send(null);
  }

  /** Null ends the connection once everything before it is sent. */
  #send(bytes: Uint8Array | null): void {
    const { latencyMs } = this.#router.state.faults;
    if (latencyMs <= 0 && this.#onTheWay.isEmpty) this.#deliver([bytes]);
    else this.#onTheWay.push(bytes, steadyNowMs() + latencyMs);
  }

  #deliver(answers: readonly (Uint8Array | null)[]): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    const bytes = answers.filter((answer) => answer !== null);
    if (bytes.length > 0) this.#writer.write(bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes));
    if (bytes.length < answers.length) this.#writer.end();
  }
}
