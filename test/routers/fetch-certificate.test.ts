import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fetchCertificate } from '../../src/routers/fetch-certificate.ts';
import { selfSignedCertificate } from '../simulator/certificate.ts';
import { openPeer } from './open-peer.ts';
import { ANONYMOUS, openTlsPeer } from './open-tls-peer.ts';

const at = (port: number, timeoutMs = 5000) => ({ host: '127.0.0.1', port, timeoutMs });

describe('the first look at a certificate', () => {
  it('tells what to pin, whose it is and whether anybody vouches for it, and sends nothing', async () => {
    const certificate = selfSignedCertificate();
    const peer = await openTlsPeer(certificate);
    const { raw, validFrom, validTo } = new X509Certificate(certificate.cert);
    expect(await fetchCertificate(at(peer.port))).toEqual({
      kind: 'certificate',
      fingerprint: createHash('sha256').update(raw).digest('hex'),
      subject: 'CN=localhost',
      issuer: 'CN=localhost',
      validFrom: new Date(validFrom).toISOString(),
      validTo: new Date(validTo).toISOString(),
      verifiedBySystem: false,
      whyNot: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    expect(peer.received).toEqual([]);
  });

  it('says when there is none: anonymous key exchange', async () => {
    const peer = await openTlsPeer(ANONYMOUS);
    expect(await fetchCertificate(at(peer.port))).toEqual({ kind: 'anonymous' });
  });

  it('prefers the certificate of a peer that would do without', async () => {
    const { key, cert } = selfSignedCertificate();
    const peer = await openTlsPeer({ key, cert, ciphers: `aNULL:HIGH:@SECLEVEL=0`, maxVersion: 'TLSv1.2' });
    expect(await fetchCertificate(at(peer.port))).toMatchObject({ kind: 'certificate' });
  });

  it('fails with the reason on a port that is closed, is no TLS, hangs up or never answers', async () => {
    const closed = await openTlsPeer(ANONYMOUS);
    const { port: plain } = await openPeer((socket) => socket.write('220 not TLS\r\n'));
    const { port: hangsUp } = await openPeer((socket) => socket.once('data', () => socket.end()));
    const { port: silent } = await openPeer((socket) => socket.resume());
    expect(closed.port).toBeGreaterThan(0);
    await expect(fetchCertificate(at(plain))).rejects.toMatchObject({ code: 'ROUTER_TLS' });
    await expect(fetchCertificate(at(hangsUp))).rejects.toMatchObject({ code: 'ROUTER_TLS' });
    await expect(fetchCertificate(at(silent, 150))).rejects.toMatchObject({ code: 'ROUTER_TIMEOUT' });
  });
});
