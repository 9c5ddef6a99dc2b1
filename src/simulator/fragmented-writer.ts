import type { Socket } from 'node:net';
import { cutAtRandom, type SimulatorFaults, seededRandom } from './faults.ts';

/** Writes answers to one connection, whole or (fault `fragment`) in pieces that stay TCP segments of their own. */
export class FragmentedWriter {
  readonly #socket: Socket;
  readonly #faults: SimulatorFaults;
  #queue: Uint8Array[] = [];
  #isDraining = false;
  #random: { seed: number; next: () => number } | null = null;

  constructor(socket: Socket, faults: SimulatorFaults) {
    this.#socket = socket;
    this.#faults = faults;
  }

  write(bytes: Uint8Array): void {
    const { fragment } = this.#faults;
    if (fragment === null && !this.#isDraining) {
      this.#socket.write(bytes);
      return;
    }
    if (fragment === null) this.#queue.push(bytes);
    else {
      if (this.#random?.seed !== fragment.seed) {
        this.#random = { seed: fragment.seed, next: seededRandom(fragment.seed) };
      }
      this.#queue.push(...cutAtRandom(bytes, { ...fragment, random: this.#random.next }));
    }
    if (!this.#isDraining) this.#drain();
  }

  /** Ends the connection once everything queued is sent. */
  end(): void {
    if (!this.#isDraining) this.#socket.end();
    else setImmediate(() => this.end());
  }

  #drain(): void {
    const piece = this.#queue.shift();
    this.#isDraining = piece !== undefined && !this.#socket.destroyed;
    if (piece === undefined || this.#socket.destroyed) {
      this.#queue = [];
      return;
    }
    this.#socket.write(piece);
    // One piece per turn of the event loop: written together the kernel would join them again.
    setImmediate(() => this.#drain());
  }
}
