import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { AutoblockError } from '../errors.ts';
import { brokenConnection, type ConnectionPhase, connectDeadlinePassed } from './connection-errors.ts';
import { ANONYMOUS_CIPHERS, fingerprintOf, peerCertificate } from './tls-peer.ts';

/** What an api-ssl port shows to whoever comes, before anything is believed. */
export type SeenCertificate =
  | {
      readonly kind: 'certificate';
      /** SHA-256 of the DER certificate, 64 lower-case hex digits: what to pin. */
      readonly fingerprint: string;
      /** `CN=router, O=…`. */
      readonly subject: string;
      readonly issuer: string;
      /** ISO 8601, UTC. */
      readonly validFrom: string;
      readonly validTo: string;
      /** Whether the system's authorities vouch for it, for this host, now. */
      readonly verifiedBySystem: boolean;
      /** Node's reason when they do not, for example `DEPTH_ZERO_SELF_SIGNED_CERT`. */
      readonly whyNot: string | null;
    }
  /** The service has no certificate: it offers anonymous key exchange, which nobody can verify. */
  | { readonly kind: 'anonymous' };

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * For first contact: shakes hands, looks, hangs up; nothing is sent. Rejects with ROUTER_UNREACHABLE, ROUTER_TLS or
 * ROUTER_TIMEOUT.
 */
export async function fetchCertificate(endpoint: Endpoint): Promise<SeenCertificate> {
  try {
    return await look(endpoint, { rejectUnauthorized: false });
  } catch (refused) {
    // Only a peer that wants no other can be one without a certificate: asked second, so that nobody is led to it.
    const anonymous = {
      rejectUnauthorized: false,
      ciphers: ANONYMOUS_CIPHERS,
      maxVersion: 'TLSv1.2',
    } as const;
    const isHandshake = refused instanceof Error && 'code' in refused && refused.code === 'ROUTER_TLS';
    const seen = isHandshake ? await look(endpoint, anonymous).catch(() => null) : null;
    if (seen?.kind === 'anonymous') return seen;
    throw refused;
  }
}

function look(endpoint: Endpoint, options: ConnectionOptions): Promise<SeenCertificate> {
  const { host, port, timeoutMs } = endpoint;
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    let phase: ConnectionPhase = 'connecting';
    const socket = connect(port, host, options);
    const timer = setTimeout(() => fail(connectDeadlinePassed({ where, phase, timeoutMs })), timeoutMs);
    const fail = (error: AutoblockError) => {
      clearTimeout(timer);
      reject(error);
      socket.destroy();
    };
    const broken = (cause: Error | null) => fail(brokenConnection({ name: host, host, where, phase, cause }));
    socket.once('connect', () => {
      phase = 'handshake';
    });
    socket.on('error', broken);
    socket.once('close', () => broken(null));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(describe(socket));
      socket.destroy();
    });
  });
}

function describe(socket: TLSSocket): SeenCertificate {
  const certificate = peerCertificate(socket);
  if (certificate === null) return { kind: 'anonymous' };
  return {
    kind: 'certificate',
    fingerprint: fingerprintOf(certificate),
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
    verifiedBySystem: socket.authorized,
    // Declared as an Error; Node gives the code of the failure as text.
    whyNot: socket.authorized ? null : String(socket.authorizationError),
  };
}

/** Node writes one part of a name a line. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
