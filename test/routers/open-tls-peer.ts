import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';

/** A TLS server on loopback that lets everybody in, answers every command, and remembers what it was sent. */
export async function openTlsPeer(
  options: TlsOptions,
  { host = '127.0.0.1' }: { host?: string } = {},
): Promise<{ port: number; readonly received: readonly string[][] }> {
  const received: string[][] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const decoder = createSentenceDecoder();
    socket.on('data', (data: Buffer) => {
      for (const words of decoder.push(data)) {
        received.push(words);
        socket.write(encodeSentence(['!done', words.find((word) => word.startsWith('.tag='))!]));
      }
    });
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, received };
}

/** What an api-ssl service without a certificate offers. */
export const ANONYMOUS: TlsOptions = { ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' };
