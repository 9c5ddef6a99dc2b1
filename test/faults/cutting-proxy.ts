import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';

export type Direction = 'toRouter' | 'toDaemon';

/** Cuts the line after so many bytes in one direction: the rest of the piece is not delivered. */
interface Cut {
  readonly direction: Direction;
  readonly afterBytes: number;
  readonly how: 'fin' | 'reset';
}

/** The line between a daemon and a router, on loopback. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes that went through since the start, of all connections. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Strikes once, counted from now on. */
  cut: (cut: Cut | null) => void;
  /** Bytes that come to the daemon in front of the next piece but `skipPieces`, as if the router had sent them. */
  inject: (injection: { bytes: Uint8Array; skipPieces: number } | null) => void;
  /** Answers on their way to the daemon are taken apart and put together anew; connections made from now on. */
  rewrite: (change: ((words: readonly string[]) => readonly (readonly string[])[]) | null) => void;
  close(): Promise<void>;
}

export async function startCuttingProxy(routerPort: number): Promise<CuttingProxy> {
  const bytes = { toRouter: 0, toDaemon: 0 };
  const sockets = new Set<Socket>();
  let pending: Cut | null = null;
  let injection: { bytes: Uint8Array; skipPieces: number } | null = null;
  let rewriting: ((words: readonly string[]) => readonly (readonly string[])[]) | null = null;
  const injectInto = (daemon: Socket): void => {
    if (injection === null) return;
    const { bytes: injected, skipPieces } = injection;
    injection = skipPieces === 0 ? null : { bytes: injected, skipPieces: skipPieces - 1 };
    if (skipPieces === 0) daemon.write(injected);
  };
  const forward = (from: Socket, to: Socket, direction: Direction): void => {
    const decoder = createSentenceDecoder();
    const change = direction === 'toDaemon' ? rewriting : null;
    from.on('data', (received: Buffer) => {
      const piece =
        change === null
          ? received
          : Buffer.concat(decoder.push(received).flatMap(change).map(encodeSentence));
      if (direction === 'toDaemon') injectInto(to);
      const { [direction]: before } = bytes;
      const left = pending?.direction === direction ? pending.afterBytes - before : Number.POSITIVE_INFINITY;
      bytes[direction] += Math.min(piece.length, left);
      if (piece.length <= left) to.write(piece);
      else {
        const reset = pending?.how === 'reset';
        pending = null;
        if (left > 0) to.write(piece.subarray(0, left));
        for (const socket of [from, to]) cutOff(socket, reset);
      }
    });
    from.on('end', () => to.end());
    from.on('close', () => to.destroy());
  };
  const server = createServer((daemon) => {
    const router = connect(routerPort, '127.0.0.1');
    for (const socket of [daemon, router]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // A reset is what this proxy is for; 'close' follows and passes it on.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    forward(daemon, router, 'toRouter');
    forward(router, daemon, 'toDaemon');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    bytes,
    cut: (cut) => {
      pending = cut === null ? null : { ...cut, afterBytes: bytes[cut.direction] + cut.afterBytes };
    },
    inject: (given) => {
      injection = given;
    },
    rewrite: (change) => {
      rewriting = change;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A FIN lets what was written arrive; a reset may overtake it. */
function cutOff(socket: Socket, reset: boolean): void {
  if (reset) socket.resetAndDestroy();
  else socket.end();
}
