import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import {
  type RouterosSimulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/routeros-simulator.ts';

export const LOGIN = ['/login', '=name=api', '=password=secret'];

/** A simulated router that is gone when the test is. */
export async function open(options: Partial<SimulatorOptions> = {}): Promise<RouterosSimulator> {
  const simulator = await startSimulator({ user: 'api', password: 'secret', ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A bare client: sends sentences, hands back what arrives until `count` sentences ended or the connection closed. */
export async function talk(
  { port }: { port: number },
  sentences: readonly string[][],
  count: number,
): Promise<string[][]> {
  const socket: Socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(Buffer.concat(sentences.map((words) => encodeSentence(words))));
  const decoder = createSentenceDecoder();
  const received: string[][] = [];
  for await (const data of socket) {
    received.push(...decoder.push(data as Buffer));
    if (received.length >= count) break;
  }
  return received;
}

/** Logs in, gives the commands, and hands back the replies to them until each is done (or the connection closed). */
export async function ask(simulator: RouterosSimulator, commands: readonly string[][]): Promise<string[][]> {
  const socket: Socket = connect(simulator.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(Buffer.concat([LOGIN, ...commands].map((words) => encodeSentence(words))));
  const decoder = createSentenceDecoder();
  const received: string[][] = [];
  let left = commands.length + 1;
  for await (const data of socket) {
    for (const words of decoder.push(data as Buffer)) {
      received.push(words);
      if (words[0] === '!done') left -= 1;
    }
    if (left === 0) break;
  }
  return received.slice(1);
}

/** The rows among replies, by property. */
export function rowsOf(replies: readonly string[][]): Record<string, string>[] {
  return replies
    .filter(([kind]) => kind === '!re')
    .map((words) =>
      Object.fromEntries(
        words.slice(1).map((word) => {
          const end = word.indexOf('=', 1);
          return [word.slice(1, end), word.slice(end + 1)];
        }),
      ),
    );
}

/** The messages of the refusals among replies. */
export function refusalsOf(replies: readonly string[][]): string[] {
  return replies
    .filter(([kind]) => kind === '!trap')
    .map((words) => words.find((word) => word.startsWith('=message='))!.slice('=message='.length));
}
