import type { ConfigProblem } from './config-problem.ts';
import type { RouterTlsConfig } from './router-config.ts';
import type { SecretFiles } from './secret-files.ts';

const TLS_PORT = 8729;
const PLAIN_PORT = 8728;

/** Port of the RouterOS API when none is given. */
export function defaultRouterPort(tls: RouterTlsConfig): number {
  return tls.mode === 'plain' ? PLAIN_PORT : TLS_PORT;
}

/** What the operator said about TLS, in either source; `keys` name the settings in problems. */
export interface RouterTlsTexts {
  readonly tls: boolean;
  readonly insecure: boolean;
  readonly ca: string | null;
  readonly fingerprint: string | null;
  readonly keys: Readonly<Record<'tls' | 'insecure' | 'ca' | 'fingerprint', string>>;
}

/** SHA-256 as 64 hex digits, with or without colons, as openssl, browsers and RouterOS print it. */
const FINGERPRINT_WANTED =
  'the SHA-256 fingerprint of the certificate: 64 hex digits, with or without colons';

export function readRouterTls(
  texts: RouterTlsTexts,
  from: { files: SecretFiles; resolvePath: (path: string) => string },
  problems: ConfigProblem[],
): RouterTlsConfig {
  const { keys } = texts;
  reportContradictions(texts, problems);
  const fingerprint = texts.fingerprint === null ? null : canonicalFingerprint(texts.fingerprint);
  if (texts.fingerprint !== null && fingerprint === null) {
    problems.push({ key: keys.fingerprint, got: `"${texts.fingerprint}"`, wanted: FINGERPRINT_WANTED });
  }
  const caPem = texts.ca === null ? null : readAuthority({ key: keys.ca, path: texts.ca }, from, problems);
  if (!texts.tls) return { mode: 'plain' };
  if (texts.insecure) return { mode: 'unverified' };
  return { mode: 'verified', caPem, fingerprint };
}

function reportContradictions(texts: RouterTlsTexts, problems: ConfigProblem[]): void {
  const { keys } = texts;
  for (const setting of ['ca', 'fingerprint'] as const) {
    if (texts[setting] === null) continue;
    const got = texts[setting];
    if (!texts.tls)
      problems.push({ key: keys[setting], got, wanted: `no \`${setting}\` where tls is false` });
    else if (texts.insecure) {
      const wanted = `no \`${setting}\` where any certificate is accepted (${keys.insecure})`;
      problems.push({ key: keys[setting], got, wanted });
    }
  }
  if (texts.insecure && !texts.tls) {
    problems.push({ key: keys.insecure, got: 'true', wanted: `false or ${keys.tls} true` });
  }
}

function canonicalFingerprint(text: string): string | null {
  const digits = text
    .trim()
    .replace(/^sha-?256[:=/ ]?/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : null;
}

function readAuthority(
  { key, path }: { key: string; path: string },
  { files, resolvePath }: { files: SecretFiles; resolvePath: (path: string) => string },
  problems: ConfigProblem[],
): string | null {
  const absolute = resolvePath(path);
  const pem = files.read({ key, path: absolute }, problems);
  if (pem !== null && !pem.includes('-----BEGIN CERTIFICATE-----')) {
    problems.push({ key, got: absolute, wanted: 'a file with a certificate in PEM form' });
  }
  return pem;
}
