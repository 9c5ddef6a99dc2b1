import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface ListenerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM texts; given, the server speaks api-ssl. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A listening port that can go away for a while, as that of a rebooting router does. */
export interface ApiListener {
  readonly port: number;
  /** Cuts every connection; refuses new ones for `downMs`, then calls `onUp`. */
  goDown(options: { downMs: number; onUp: () => void }): void;
  close(): Promise<void>;
}

/** Another program may hold our port for a moment when we come back to it. */
const RETRY_MS = 20;

/** `onConnection` gets sockets ready to be read (after the handshake with TLS). Rejects when it cannot listen. */
export async function listen(
  options: ListenerOptions,
  onConnection: (socket: Socket) => void,
): Promise<ApiListener> {
  const host = options.host ?? '127.0.0.1';
  const sockets = new Set<Socket>();
  let server = await openServer();
  const { port } = server.address() as AddressInfo;
  let upTimer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let opening: Promise<void> = Promise.resolve();

  async function openServer(again?: number): Promise<Server> {
    const opened = createApiServer(options, onConnection);
    opened.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    opened.listen(again ?? options.port ?? 0, host);
    await once(opened, 'listening');
    return opened;
  }

  /** Raw sockets, so that one in the middle of its TLS handshake does not keep the server open. */
  function cutAll(): void {
    for (const socket of sockets) socket.destroy();
  }

  function comeUp({ waitMs, onUp }: { waitMs: number; onUp: () => void }): void {
    upTimer = setTimeout(() => {
      upTimer = null;
      opening = openServer(port).then(
        (opened) => {
          server = opened;
          onUp();
        },
        () => {
          if (!isClosed) comeUp({ waitMs: RETRY_MS, onUp });
        },
      );
    }, waitMs);
  }

  return {
    port,
    goDown: ({ downMs, onUp }) => {
      cutAll();
      if (downMs <= 0) {
        onUp();
        return;
      }
      server.close();
      if (upTimer !== null) clearTimeout(upTimer);
      comeUp({ waitMs: downMs, onUp });
    },
    close: async () => {
      isClosed = true;
      if (upTimer !== null) clearTimeout(upTimer);
      await opening;
      const closed = server.listening ? once(server, 'close') : null;
      server.close();
      cutAll();
      await closed;
    },
  };
}

function createApiServer(options: ListenerOptions, onConnection: (socket: Socket) => void): Server {
  const accept = (socket: Socket) => {
    // A client that resets is nothing to report: 'close' follows and forgets the connection.
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  };
  if (options.tls === undefined) return createServer(accept);
  const server = createTlsServer(options.tls, accept);
  // The client is told by the TLS alert; a router, too, only drops the connection.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
