import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSentenceDecoder, encodeSentence } from '../../src/routeros-wire/sentence-codec.ts';
import type { RouterTls } from '../../src/routers/tls-peer.ts';
import { selfSignedCertificate } from '../simulator/certificate.ts';
import { expectNothingOpen } from '../support/open-handles.ts';
import { openPeer } from './open-peer.ts';
import { openSession, openSimulator } from './open-simulator.ts';

const LIST = '/ip/firewall/address-list';
const IDENTITY = '/system/identity/print';

/** A peer that lets everybody in and then answers the first further command with these sentences. */
function answeringPeer(answer: (tag: string) => string[][]): Promise<{ port: number }> {
  return openPeer((socket) => {
    const decoder = createSentenceDecoder();
    socket.on('data', (data: Buffer) => {
      for (const words of decoder.push(data)) {
        const tag = words.find((word) => word.startsWith('.tag='))!;
        const sentences = words[0] === '/login' ? [['!done', tag]] : answer(tag);
        socket.write(Buffer.concat(sentences.map(encodeSentence)));
      }
    });
  });
}

function trusting(caPem: string | null): RouterTls {
  return { mode: 'verified', caPem, fingerprint: null };
}

describe('a command', () => {
  it('brings back rows, and the id of what it added', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    const added = await session.run(`${LIST}/add`, ['=list=a', '=address=192.0.2.7/24', '=timeout=1h']);
    expect(added).toEqual([{ ret: '*1' }]);
    const rows = await session.run(`${LIST}/print`, ['=.proplist=.id,address,timeout', '?list=a']);
    expect(rows).toEqual([{ '.id': '*1', address: '192.0.2.0/24', timeout: '1h' }]);
  });

  it.each(['7.17.2', '7.18', '7.20.1'])(
    'with nothing to return gives no rows on RouterOS %s',
    async (version) => {
      const session = await openSession(await openSimulator({ version }));
      expect(await session.run(`${LIST}/print`, [])).toEqual([]);
      // The bare library hangs every command after the first `!empty`.
      expect(await session.run(IDENTITY, [])).toEqual([{ name: 'simulator' }]);
    },
  );

  it('may be answered with kinds of reply that are not invented yet', async () => {
    const peer = await answeringPeer((tag) => [
      ['!news', tag, '=a=b'],
      ['!re', tag, '=x=1'],
      ['!done', tag],
    ]);
    expect(await (await openSession(peer)).run('/x', [])).toEqual([{ x: '1' }]);
  });

  it('keeps values as they are: equals signs, long ones, other alphabets, odd names', async () => {
    const session = await openSession(await openSimulator());
    const comment = `Łódź = 北京 "${'x'.repeat(300)}" \\ $a`;
    await session.run(`${LIST}/add`, ['=list=a', '=address=192.0.2.7', `=comment=${comment}`]);
    const [row] = await session.run(`${LIST}/print`, ['=.proplist=comment']);
    expect(row).toEqual({ comment });
    const peer = await answeringPeer((tag) => [
      ['!re', tag, '=__proto__=p', '=none'],
      ['!done', tag],
    ]);
    const [odd] = await (await openSession(peer)).run('/x', []);
    expect(Object.entries(odd!)).toEqual([
      ['__proto__', 'p'],
      ['none', ''],
    ]);
  });

  it('leaves the word list of its caller alone and refuses words that would end or redirect the sentence', async () => {
    const session = await openSession(await openSimulator());
    const words = Object.freeze(['=list=a', '=address=192.0.2.7']);
    await session.run(`${LIST}/add`, words);
    expect(words).toHaveLength(2);
    await expect(session.run(`${LIST}/print`, [''])).rejects.toThrow(RangeError);
    await expect(session.run(`${LIST}/print`, ['.tag=7'])).rejects.toThrow(RangeError);
  });

  it('that the router refuses rejects with its category and its words, and the session goes on', async () => {
    const session = await openSession(await openSimulator());
    await expect(session.run('/nonsense', [])).rejects.toMatchObject({
      code: 'ROUTER_REFUSED',
      category: 0,
      routerMessage: 'no such command prefix',
    });
    await session.run(`${LIST}/add`, ['=list=a', '=address=192.0.2.7']);
    await expect(session.run(`${LIST}/add`, ['=list=a', '=address=192.0.2.7'])).rejects.toMatchObject({
      code: 'ROUTER_REFUSED',
      category: 4,
      routerMessage: 'failure: already have such entry',
    });
    expect(await session.run(IDENTITY, [])).toHaveLength(1);
  });

  it('travels in one piece: a packet per word would cost a delayed acknowledgement each', async () => {
    const pieces: string[][][] = [];
    const peer = await openPeer((socket) => {
      const decoder = createSentenceDecoder();
      socket.on('data', (data: Buffer) => {
        const sentences = decoder.push(data);
        pieces.push(sentences);
        for (const words of sentences) socket.write(encodeSentence(['!done', words.at(-1)!]));
      });
    });
    const session = await openSession(peer);
    for (let round = 0; round < 20; round += 1) await session.run(`${LIST}/add`, ['=a=b', '=c=d', '=e=f']);
    expect(pieces.map((sentences) => sentences.length)).toEqual(Array.from({ length: 21 }, () => 1));
  });

  it('among hundreds side by side gets its own answer', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    const ids = await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const address = `198.18.${index >> 8}.${index & 255}`;
        const [row] = await session.run(`${LIST}/add`, ['=list=a', `=address=${address}`]);
        return [address, row!['ret']] as const;
      }),
    );
    expect(new Map(simulator.entries(4).map(({ address, id }) => [address, id]))).toEqual(new Map(ids));
  });
});

describe('a connection that fails while commands are under way', () => {
  it.each([
    ['closes', { reset: false }],
    ['resets', { reset: true }],
  ])('rejects all of them when the router %s it', async (_how, { reset }) => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    simulator.faults.closeOn = { command: /\/add$/, skip: 5, reset };
    const adds = Array.from({ length: 11 }, (_, index) =>
      session.run(`${LIST}/add`, ['=list=a', `=address=192.0.2.${index}`]),
    );
    const outcomes = await Promise.allSettled(adds);
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(rejected.length).toBeGreaterThanOrEqual(6);
    for (const { reason } of rejected) expect(reason).toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
    await expect(session.run(IDENTITY, [])).rejects.toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
  });

  it('rejects with the reason the router gave in !fatal', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    simulator.faults.fatalOn = { command: /identity/, message: 'too many sessions' };
    await expect(session.run(IDENTITY, [])).rejects.toMatchObject({
      code: 'ROUTER_CONNECTION_LOST',
      message: expect.stringContaining('too many sessions') as string,
    });
  });

  it('rejects when the router reboots, and dynamic entries are gone', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    await session.run(`${LIST}/add`, ['=list=a', '=address=192.0.2.1', '=timeout=1d']);
    simulator.addForeignEntry({ list: 'a', address: '192.0.2.2' });
    simulator.faults.stallOn = { command: /identity/ };
    const stalled = session.run(IDENTITY, []);
    const gone = expect(stalled).rejects.toMatchObject({ code: 'ROUTER_CONNECTION_LOST' });
    await session.run(`${LIST}/print`, []);
    simulator.reboot();
    await gone;
    expect(simulator.entries(4).map((entry) => entry.address)).toEqual(['192.0.2.2']);
  });

  it('gives the whole connection up when one command passes its deadline, so that no late answer can be misread', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator, { commandTimeoutMs: 150 });
    simulator.faults.stallOn = { command: /print/, count: 1 };
    const both = [session.run(IDENTITY, []), session.run(`${LIST}/print`, [])];
    const [stalled] = await Promise.allSettled(both);
    expect(stalled).toMatchObject({ status: 'rejected', reason: { code: 'ROUTER_TIMEOUT' } });
    await expect(session.run(IDENTITY, [])).rejects.toMatchObject({ code: 'ROUTER_TIMEOUT' });
    await expect.poll(() => simulator.sessions).toBe(0);
  });

  it('survives an answer to a command nobody gave', async () => {
    const peer = await answeringPeer(() => [['!done', '.tag=4711']]);
    await expect((await openSession(peer)).run('/x', [])).rejects.toMatchObject({
      code: 'ROUTER_CONNECTION_LOST',
      message: expect.stringContaining('!done for a command nobody gave') as string,
    });
  });

  it('survives bytes that are not the protocol', async () => {
    const peer = await openPeer((socket) =>
      socket.once('data', () => socket.write(Buffer.from([0xff, 1, 2]))),
    );
    await expect(openSession(peer)).rejects.toThrow(/not the RouterOS API/);
  });

  it('rejects what is under way when it is closed from this side, and closing twice is fine', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    simulator.faults.silent = true;
    const waiting = expect(session.run(IDENTITY, [])).rejects.toThrow(/was closed/);
    await session.close();
    await waiting;
    await session.close();
    await expect.poll(() => simulator.sessions).toBe(0);
  });
});

describe('opening a session', () => {
  it('has a deadline that ends with the login', async () => {
    const session = await openSession(await openSimulator(), { connectTimeoutMs: 300 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await session.run(IDENTITY, [])).toHaveLength(1);
  });

  it('names a wrong password without repeating it', async () => {
    const simulator = await openSimulator();
    const refused = await openSession(simulator, { password: 'falsch-4711' }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      code: 'ROUTER_LOGIN_FAILED',
      message: expect.stringContaining('invalid user name or password') as string,
    });
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('falsch-4711');
    await expect.poll(() => simulator.sessions).toBe(0);
  });

  it('says that a router from before 6.43 is too old', async () => {
    const peer = await openPeer((socket) => {
      socket.once('data', () => socket.write(encodeSentence(['!done', '.tag=1', '=ret=00112233'])));
    });
    await expect(openSession(peer)).rejects.toMatchObject({
      code: 'ROUTER_LOGIN_FAILED',
      message: expect.stringContaining('6.43') as string,
    });
  });

  it('fails at once when nobody listens', async () => {
    const simulator = await openSimulator();
    await simulator.close();
    await expect(openSession(simulator)).rejects.toMatchObject({
      code: 'ROUTER_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('gives up on a router that accepts and never answers', async () => {
    const simulator = await openSimulator();
    simulator.faults.silent = true;
    await expect(openSession(simulator, { connectTimeoutMs: 150 })).rejects.toMatchObject({
      code: 'ROUTER_TIMEOUT',
    });
    await expect.poll(() => simulator.sessions).toBe(0);
  });

  it('fails when the router closes before it answers the login', async () => {
    const simulator = await openSimulator();
    simulator.faults.closeBeforeLoginReply = true;
    await expect(openSession(simulator)).rejects.toMatchObject({ code: 'ROUTER_UNREACHABLE' });
  });
});

describe('over TLS', () => {
  const certificate = selfSignedCertificate();

  it('works with the authority given, also in pieces', async () => {
    const simulator = await openSimulator({ tls: certificate });
    simulator.faults.fragment = { minBytes: 1, maxBytes: 5, seed: 1 };
    const session = await openSession(simulator, { tls: trusting(certificate.cert) });
    expect(await session.run(IDENTITY, [])).toEqual([{ name: 'simulator' }]);
  });

  it('refuses a certificate nobody vouches for, before any password is sent', async () => {
    const simulator = await openSimulator({ tls: certificate });
    await expect(openSession(simulator, { tls: trusting(null) })).rejects.toMatchObject({
      code: 'ROUTER_TLS',
      message: expect.stringMatching(/self.signed/) as string,
    });
  });

  it('refuses a certificate of another host, although its authority is trusted', async () => {
    const simulator = await openSimulator({ tls: certificate, host: '127.0.0.2' });
    const elsewhere = { host: '127.0.0.2', tls: trusting(certificate.cert) };
    await expect(openSession(simulator, elsewhere)).rejects.toMatchObject({
      code: 'ROUTER_TLS',
      message: expect.stringMatching(/127\.0\.0\.2 is not in the cert's list/) as string,
    });
  });

  it('refuses anonymous key exchange, which is what api-ssl offers without a certificate', async () => {
    const server = createTlsServer({ ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2' });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(openSession({ port }, { tls: trusting(null) })).rejects.toMatchObject({
      code: 'ROUTER_TLS',
    });
  });

  it('fails when the peer closes during the handshake', async () => {
    const peer = await openPeer((socket) => socket.once('data', () => socket.end()));
    await expect(openSession(peer, { tls: trusting(null) })).rejects.toMatchObject({ code: 'ROUTER_TLS' });
  });

  it('fails when the authority given is no certificate', async () => {
    const simulator = await openSimulator({ tls: certificate });
    const ca = '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n';
    await expect(openSession(simulator, { tls: trusting(ca) })).rejects.toMatchObject({ code: 'ROUTER_TLS' });
  });

  it('says which step hung when the peer, such as a plain API port, never answers the handshake', async () => {
    const peer = await openPeer((socket) => socket.resume());
    await expect(openSession(peer, { tls: trusting(null), connectTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'ROUTER_TIMEOUT',
      message: expect.stringMatching(/TLS handshake .*api-ssl port/) as string,
    });
  });

  it('tells a plain session at the TLS port that this is no API', async () => {
    const simulator = await openSimulator({ tls: certificate });
    await expect(openSession(simulator)).rejects.toMatchObject({ code: 'ROUTER_UNREACHABLE' });
  });
});

describe('answers in pieces', () => {
  it('are put together whatever the pieces, over real sockets', async () => {
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    const comment = 'ż'.repeat(100);
    const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::1'];
    for (const address of addresses) simulator.addForeignEntry({ list: 'a', address, comment });
    for (let seed = 0; seed < 300; seed += 1) {
      const maxBytes = [3, 7, 64, 400][seed % 4]!;
      simulator.faults.fragment = { minBytes: 1, maxBytes, seed };
      const [v4, identity] = await Promise.all([
        session.run(`${LIST}/print`, ['=.proplist=address,comment']),
        session.run(IDENTITY, []),
      ]);
      expect(v4).toEqual(addresses.slice(0, 2).map((address) => ({ address, comment })));
      expect(identity).toEqual([{ name: 'simulator' }]);
    }
  });
});

describe('in health', () => {
  it('thousands of commands and dozens of sessions leave nothing behind', async () => {
    await expectNothingOpen();
    const simulator = await openSimulator();
    const session = await openSession(simulator);
    for (let round = 0; round < 40; round += 1) {
      await Promise.all(Array.from({ length: 100 }, () => session.run(IDENTITY, [])));
    }
    await session.close();
    for (let round = 0; round < 30; round += 1) await (await openSession(simulator)).close();
    await expect.poll(() => simulator.sessions).toBe(0);
    await simulator.close();
    await expectNothingOpen();
  });

  it('two sessions at once do not disturb each other', async () => {
    const simulator = await openSimulator();
    const [one, two] = await Promise.all([openSession(simulator), openSession(simulator)]);
    expect(await one.run('/user/active/print', ['=.proplist=name'])).toHaveLength(2);
    const adds = [one, two].flatMap((session, of) =>
      Array.from({ length: 50 }, (_, index) =>
        session.run(`${LIST}/add`, ['=list=a', `=address=10.${of}.0.${index}`]),
      ),
    );
    await Promise.all(adds);
    await one.close();
    expect(await two.run(`${LIST}/print`, ['=count-only='])).toEqual([{ ret: '100' }]);
  });
});
