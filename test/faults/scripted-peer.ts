import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import { openRouterSession } from '../../src/routers/node-routeros-session.ts';
import type { RouterSession } from '../../src/routers/router-session.ts';

/** A plain session that never runs into a deadline of its own. */
export function openPlainSession(port: number): Promise<RouterSession> {
  return openRouterSession({
    ...{ name: 'peer', host: '127.0.0.1', port, user: 'u', password: 'p', tls: { mode: 'plain' } },
    ...{ connectTimeoutMs: 60_000, commandTimeoutMs: 60_000 },
  });
}

/** One command as it came: `/x/print` with its words, and the tag its answer must carry. */
interface ReceivedCommand {
  readonly command: string;
  readonly words: readonly string[];
  readonly tag: string;
}

/** A peer that lets everybody in and answers every other command as the script says, protocol or not. */
export interface ScriptedPeer {
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  /** Assign to it while it runs. */
  script: (received: ReceivedCommand, socket: Socket) => void;
  close(): Promise<void>;
}

export async function startScriptedPeer(): Promise<ScriptedPeer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    const decoder = createSentenceDecoder();
    socket.on('data', (piece: Buffer) => {
      for (const sentence of decoder.push(piece)) {
        const tag = sentence.find((word) => word.startsWith('.tag='))?.slice('.tag='.length) ?? '';
        const [command = '', ...words] = sentence.filter((word) => !word.startsWith('.tag='));
        if (command === '/login') socket.write(encodeSentence(['!done', `.tag=${tag}`]));
        else peer.script({ command, words, tag }, socket);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer: ScriptedPeer = {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    script: ({ tag }, socket) => void socket.write(encodeSentence(['!done', `.tag=${tag}`])),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return peer;
}
