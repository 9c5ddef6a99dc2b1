/**
 * Whom we talk TLS with, decided in one place and before a byte of the login is sent. A pinned fingerprint names one
 * certificate: who holds its key is the router, whatever name, authority or validity it shows. Without a pin Node verifies
 * chain, name and validity against the given authority or the system's.
 */
import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { AutoblockError } from '../errors.ts';

export type RouterTls =
  | { readonly mode: 'plain' }
  /** `caPem`: trust this authority instead of the system's. `fingerprint`: SHA-256 of the DER certificate, 64 lower-case hex digits. */
  | { readonly mode: 'verified'; readonly caPem: string | null; readonly fingerprint: string | null }
  /** Any certificate or none (anonymous DH): encrypted, but whoever sits in between reads the password. */
  | { readonly mode: 'unverified' };

/** Anonymous key exchange (TLS 1.2 at most): OpenSSL refuses it above security level 0. */
export const ANONYMOUS_CIPHERS = 'aNULL:@SECLEVEL=0';

/** With a certificate where the peer has one, TLS 1.3 first. */
const UNVERIFIED_CIPHERS = `TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:HIGH:${ANONYMOUS_CIPHERS}`;

/** Options for `tls.connect`; null for a plain connection. */
export function tlsConnectOptions(tls: RouterTls): ConnectionOptions | null {
  switch (tls.mode) {
    case 'plain':
      return null;
    case 'unverified':
      return { rejectUnauthorized: false, ciphers: UNVERIFIED_CIPHERS };
    case 'verified': {
      const authority = tls.caPem === null ? {} : { ca: tls.caPem };
      if (tls.fingerprint === null) return authority;
      // The name is irrelevant where the certificate itself is known; with a pin alone its chain is, too.
      const anyName = { ...authority, checkServerIdentity: () => undefined };
      return tls.caPem === null ? { ...anyName, rejectUnauthorized: false } : anyName;
    }
  }
}

/** Why this peer must not get the login, or null when it may. Call when the handshake is over, before anything is sent. */
export function peerProblem(peer: {
  socket: unknown;
  tls: RouterTls;
  name: string;
  where: string;
}): AutoblockError | null {
  const { tls, name, where } = peer;
  if (tls.mode !== 'verified' || tls.fingerprint === null) return null;
  const certificate = peerCertificate(peer.socket);
  const seen = certificate === null ? null : fingerprintOf(certificate);
  if (seen === tls.fingerprint) return null;
  const found = seen === null ? 'no certificate' : `a certificate with the fingerprint ${seen}`;
  return new AutoblockError(
    'ROUTER_TLS',
    `router ${where} shows ${found}, but ${tls.fingerprint} is pinned. If the certificate was renewed on purpose, ` +
      `compare with \`autoblock routers fingerprint ${name}\` and pin the new one; else somebody may stand in between`,
  );
}

/** The certificate the peer showed; null when it showed none (anonymous key exchange) or there is no TLS. */
export function peerCertificate(socket: unknown): X509Certificate | null {
  // Not getPeerX509Certificate(): on Node 20 it finds the certificate the first time only.
  const raw: unknown = socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
  return raw instanceof Uint8Array ? new X509Certificate(raw) : null;
}

/** SHA-256 of the certificate, 64 lower-case hex digits. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** What to do about a handshake that failed, for the operator; null when the failure itself says it. */
export function handshakeAdvice(failure: { code: string; name: string; host: string }): string | null {
  const { code, name, host } = failure;
  if (/SELF_SIGNED|UNABLE_TO|ALTNAME|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_UNTRUSTED/.test(code)) {
    return `look at its certificate with \`autoblock routers fingerprint ${name}\` and pin it (\`fingerprint\`), or give its authority (\`ca\`)`;
  }
  if (/WRONG_VERSION_NUMBER/.test(code)) return 'it does not speak TLS there: is this the api-ssl port?';
  if (!/HANDSHAKE_FAILURE|NO_SHARED_CIPHER|ECONNRESET|CLOSED/.test(code)) return null;
  return (
    'most likely its api-ssl service has no certificate (it then offers anonymous key exchange, which nobody can verify), or no API session is left (`/user active print`). ' +
    `Type on the router: /certificate add name=api-ssl common-name=${host} days-valid=3650 key-usage=digital-signature,key-encipherment,tls-server; ` +
    '/certificate sign api-ssl; /ip service set api-ssl certificate=api-ssl; ' +
    `then pin what \`autoblock routers fingerprint ${name}\` shows`
  );
}
