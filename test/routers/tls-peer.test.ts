import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RouterTls } from '../../src/routers/tls-peer.ts';
import { selfSignedCertificate } from '../simulator/certificate.ts';
import { capturingLogger } from '../support/logger.ts';
import { openSession } from './open-simulator.ts';
import { ANONYMOUS, openTlsPeer } from './open-tls-peer.ts';

const certificate = selfSignedCertificate();
const other = selfSignedCertificate();
const pinOf = ({ cert }: { cert: string }) =>
  createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
const pinned = (fingerprint: string, caPem: string | null = null): RouterTls => ({
  mode: 'verified',
  caPem,
  fingerprint,
});
const verified = (caPem: string | null = null): RouterTls => ({ mode: 'verified', caPem, fingerprint: null });

describe('a pinned fingerprint', () => {
  it('lets the router in whatever its name and authority: a self-signed certificate under another address', async () => {
    const peer = await openTlsPeer(certificate, { host: '127.0.0.2' });
    const session = await openSession(peer, { host: '127.0.0.2', tls: pinned(pinOf(certificate)) });
    expect(await session.run('/x', [])).toEqual([]);
  });

  it('refuses every other certificate, shows both fingerprints, and sends not a byte of the login', async () => {
    const peer = await openTlsPeer(other);
    const refused = openSession(peer, { tls: pinned(pinOf(certificate)) });
    await expect(refused).rejects.toMatchObject({ code: 'ROUTER_TLS' });
    const message = await refused.catch((error: unknown) => String(error));
    expect(message).toContain(pinOf(certificate));
    expect(message).toContain(pinOf(other));
    expect(message).toContain('autoblock routers fingerprint edge');
    // A later login to the same server is seen, so that silence before it means something.
    await openSession(peer, { tls: { mode: 'unverified' } });
    expect(peer.received.map(([command]) => command)).toEqual(['/login']);
  });

  it('beside an authority means both: its authority must vouch for it and it must be the one', async () => {
    const peer = await openTlsPeer(certificate, { host: '127.0.0.2' });
    const session = (tls: RouterTls) => openSession(peer, { host: '127.0.0.2', tls });
    await expect(session(pinned(pinOf(certificate), other.cert))).rejects.toMatchObject({
      code: 'ROUTER_TLS',
    });
    await expect(session(pinned(pinOf(other), certificate.cert))).rejects.toThrow(/is pinned/);
    expect(peer.received).toEqual([]);
    await session(pinned(pinOf(certificate), certificate.cert));
    expect(peer.received).toHaveLength(1);
  });

  it.each([
    ['has expired', { fromDays: -400, toDays: -35 }],
    ['is not valid yet, as when the clock of the router was wrong', { fromDays: 2, toDays: 300 }],
  ])('still lets in a certificate that %s, and says so', async (_what, valid) => {
    const stale = selfSignedCertificate(valid);
    const { logger, lines } = capturingLogger();
    const peer = await openTlsPeer(stale);
    await openSession(peer, { tls: pinned(pinOf(stale)), logger });
    expect(lines).toMatchObject([{ level: 'warn', code: 'CERTIFICATE_NOT_VALID', router: 'edge' }]);
  });
});

describe('without a pin', () => {
  it('an unknown certificate is refused before the login, with the command that shows what to pin', async () => {
    const peer = await openTlsPeer(certificate);
    await expect(openSession(peer, { tls: verified() })).rejects.toMatchObject({
      code: 'ROUTER_TLS',
      message: expect.stringContaining('autoblock routers fingerprint edge') as string,
    });
    expect(peer.received).toEqual([]);
  });

  it('an expired certificate is refused although its authority is trusted', async () => {
    const expired = selfSignedCertificate({ fromDays: -400, toDays: -35 });
    const peer = await openTlsPeer(expired);
    await expect(openSession(peer, { tls: verified(expired.cert) })).rejects.toThrow(/expired/);
    expect(peer.received).toEqual([]);
  });

  it('one that expires within two weeks is told of while it still works', async () => {
    const { logger, lines } = capturingLogger();
    const long = selfSignedCertificate({ fromDays: -1, toDays: 300 });
    for (const shown of [certificate, long]) {
      await openSession(await openTlsPeer(shown), { tls: verified(shown.cert), logger });
    }
    expect(lines).toMatchObject([{ level: 'warn', code: 'CERTIFICATE_EXPIRES', router: 'edge' }]);
  });
});

describe('a service without certificate (anonymous key exchange)', () => {
  it.each([
    ['by authority', verified()],
    ['by pin', pinned(pinOf(certificate))],
  ])('is refused where the router is verified %s, with what to type on the router', async (_how, tls) => {
    const peer = await openTlsPeer(ANONYMOUS);
    await expect(openSession(peer, { tls })).rejects.toMatchObject({
      code: 'ROUTER_TLS',
      message: expect.stringContaining('/ip service set api-ssl certificate=') as string,
    });
    expect(peer.received).toEqual([]);
  });

  it('is talked to only where the operator said insecure; so is any certificate', async () => {
    for (const shown of [ANONYMOUS, certificate]) {
      const peer = await openTlsPeer(shown, { host: '127.0.0.2' });
      const session = await openSession(peer, { host: '127.0.0.2', tls: { mode: 'unverified' } });
      expect(await session.run('/x', [])).toEqual([]);
    }
  });
});
