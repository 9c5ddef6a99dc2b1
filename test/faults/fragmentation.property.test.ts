import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import { RouterRefusedError } from '../../src/routers/router-answers.ts';
import type { RouterSession } from '../../src/routers/router-session.ts';
import { cutAtRandom, seededRandom } from '../../src/simulator/faults.ts';
import { expectNothingLeftBehind } from './nothing-left-behind.ts';
import { expectAgreement, openScene, othersEntries, prepareTwelveChanges, TWELVE_CHANGES } from './scene.ts';
import { openPlainSession, type ScriptedPeer, startScriptedPeer } from './scripted-peer.ts';
import { exchange, fragmentation, mixed, type Outcome, outcomeOf, sentencesOf } from './transcripts.ts';

expectNothingLeftBehind();

const SEED = 20_261_122;

function inPieces(bytes: Uint8Array, { maxBytes, seed }: { maxBytes: number; seed: number }): Uint8Array[] {
  return [...cutAtRandom(bytes, { minBytes: 1, maxBytes, random: seededRandom(seed) })];
}

async function outcomeOfRun(session: RouterSession, command: string): Promise<Outcome> {
  try {
    return { rows: await session.run(command, []) };
  } catch (error) {
    if (!(error instanceof RouterRefusedError)) throw error;
    return { category: error.category ?? Number.NaN, message: error.routerMessage };
  }
}

/** The peer waits for this many commands, then sends the whole stream in pieces of one turn of the event loop each. */
function answerTogether(
  peer: ScriptedPeer,
  options: { count: number; stream: (tags: readonly string[]) => Iterable<Uint8Array> },
): void {
  const tags: string[] = [];
  const send = async (socket: Socket): Promise<void> => {
    for (const piece of options.stream(tags)) {
      socket.write(piece);
      await nextTurn();
    }
  };
  peer.script = ({ command, tag }, socket) => {
    tags[Number(command.slice('/c'.length))] = tag;
    if (Object.keys(tags).length === options.count) void send(socket);
  };
}

describe('a stream of answers in pieces', () => {
  it('decodes to the sentences that were sent, however it was cut (2,000 streams)', () => {
    let cases = 0;
    fc.assert(
      fc.property(exchange, fragmentation, ({ answers, mixSeed }, cut) => {
        const sentences = mixed(
          answers.map((answer, index) => sentencesOf(answer, String(index + 1))),
          seededRandom(mixSeed),
        );
        const bytes = Buffer.concat(sentences.map(encodeSentence));
        const decoder = createSentenceDecoder();
        const decoded = inPieces(bytes, cut).flatMap((piece) => decoder.push(piece));
        expect(decoded).toEqual(sentences);
        cases += 1;
      }),
      { numRuns: 2000, seed: SEED },
    );
    expect(cases).toBe(2000);
  });

  it('comes out of a session as if it had come whole, each command with its own answer (400 streams, sockets)', async () => {
    const peer = await startScriptedPeer();
    const session = await openPlainSession(peer.port);
    let cases = 0;
    await fc.assert(
      fc.asyncProperty(exchange, fragmentation, async ({ answers, mixSeed }, cut) => {
        answerTogether(peer, {
          count: answers.length,
          stream: (tags) => {
            const random = seededRandom(mixSeed);
            const sentences = mixed(
              answers.map((answer, index) => sentencesOf(answer, tags[index]!)),
              random,
            );
            const bytes = Buffer.concat(sentences.map(encodeSentence));
            // A long stream byte by byte is the other test's: here each piece is a system call.
            return inPieces(bytes, bytes.length > 3000 ? { ...cut, maxBytes: 1460 } : cut);
          },
        });
        const outcomes = await Promise.all(answers.map((_, index) => outcomeOfRun(session, `/c${index}`)));
        expect(outcomes).toEqual(answers.map(outcomeOf));
        cases += 1;
      }),
      { numRuns: 400, seed: SEED },
    );
    expect(cases).toBe(400);
    expect(peer.connections).toBe(1);
    await session.close();
    await peer.close();
  });
});

describe('a whole sync over a line that delivers in pieces', () => {
  it('does its twelve changes as over a whole one (60 ways of cutting)', async () => {
    let cases = 0;
    for (let seed = 0; seed < 60; seed += 1) {
      const scene = await openScene();
      const others = othersEntries(scene);
      const maxBytes = [1, 3, 7, 64, 400, 1460][seed % 6]!;
      scene.simulator.faults.fragment = { minBytes: 1, maxBytes, seed };
      await prepareTwelveChanges(scene);
      expect(await scene.sync()).toMatchObject({ ok: true, ...TWELVE_CHANGES });
      expectAgreement(scene);
      expect(othersEntries(scene)).toEqual(others);
      await scene.close();
      cases += 1;
    }
    expect(cases).toBe(60);
  });
});
