import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

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
  readonly connections: number;
  /** Strikes once, counted from now on. */
  cut: (cut: Cut | null) => void;
  /** Called once, when so many bytes went in that direction from now on; they are delivered. */
  callAfter: (mark: { direction: Direction; afterBytes: number; call: () => void }) => void;
  close(): Promise<void>;
}

export async function startCuttingProxy(routerPort: number): Promise<CuttingProxy> {
  const bytes = { toRouter: 0, toDaemon: 0 };
  const sockets = new Set<Socket>();
  let pending: Cut | null = null;
  let mark: { direction: Direction; atBytes: number; call: () => void } | null = null;

  const forward = (from: Socket, to: Socket, direction: Direction): void => {
    from.on('data', (piece: Buffer) => {
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
      if (mark !== null && mark.direction === direction && bytes[direction] >= mark.atBytes) {
        const { call } = mark;
        mark = null;
        call();
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
    get connections() {
      return sockets.size / 2;
    },
    cut: (cut) => {
      pending = cut === null ? null : { ...cut, afterBytes: bytes[cut.direction] + cut.afterBytes };
    },
    callAfter: ({ direction, afterBytes, call }) => {
      mark = { direction, atBytes: bytes[direction] + afterBytes, call };
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
