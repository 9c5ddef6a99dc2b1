import { isIPv6 } from 'node:net';
import type { RouterConfig } from '../../config/router-config.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { certificateCommands } from '../../router-check/access-checks.ts';
import { fetchCertificate, type SeenCertificate } from '../../routers/fetch-certificate.ts';
import type { Invocation } from '../command.ts';
import { configFrom, currentEnvironment } from '../session.ts';
import { oneLine } from '../tables.ts';

const API_SSL_PORT = 8729;
const LOOK_TIMEOUT_MS = 10_000;

interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** What the configuration holds for it; null where nothing is pinned. */
  readonly pinned: string | null;
}

interface Look extends Target {
  readonly seen: SeenCertificate | null;
  readonly error: string | null;
}

/** First contact: shows the certificate and the line that pins it. Sends nothing; a host needs no configuration yet. */
export async function showFingerprints(invocation: Invocation, operands: readonly string[]): Promise<number> {
  const looks = await Promise.all(targetsOf(operands).map(lookAt));
  invocation.output.out(
    invocation.flag('json') ? JSON.stringify({ routers: looks }) : looks.map(asText).join('\n\n'),
  );
  if (looks.some(({ seen }) => seen === null)) return EXIT.unavailable;
  return looks.every(isAsPinned) ? EXIT.ok : EXIT.failed;
}

/** Configured names first; anything else is a host. Without operands: every router that is reached by TLS. */
function targetsOf(operands: readonly string[]): Target[] {
  if (operands.length === 0) {
    const routers = configFrom(currentEnvironment()).routers.filter(({ tls }) => tls.mode !== 'plain');
    if (routers.length > 0) return routers.map(targetOf);
    throw new AutoblockError('NOT_FOUND', 'no router is configured for TLS; give HOST or HOST:PORT');
  }
  const known = configuredRouters();
  return operands.map((operand) => {
    const configured = known.find(({ name }) => name === operand);
    return configured === undefined ? hostTarget(operand) : targetOf(configured);
  });
}

/** Before the first contact the configuration cannot be complete: then there are no names yet, only hosts. */
function configuredRouters(): readonly RouterConfig[] {
  try {
    return configFrom(currentEnvironment()).routers;
  } catch (thrown) {
    if (thrown instanceof AutoblockError && thrown.code === 'CONFIG_INVALID') return [];
    throw thrown;
  }
}

function targetOf({ name, host, port, tls }: RouterConfig): Target {
  const pinned = tls.mode === 'verified' ? tls.fingerprint : null;
  return { name, host, port: tls.mode === 'plain' ? API_SSL_PORT : port, pinned };
}

/** `192.0.2.1`, `192.0.2.1:8729`, `2001:db8::1`, `[2001:db8::1]:8729`, `router.example`. */
function hostTarget(text: string): Target {
  const bare = isIPv6(text) ? { host: text, port: null } : splitPort(text);
  const port = bare.port === null ? API_SSL_PORT : Number(bare.port);
  if (bare.host === '' || port < 1 || port > 65_535) {
    throw new AutoblockError('USAGE', `routers fingerprint: got "${text}", wanted NAME, HOST or HOST:PORT`);
  }
  return { name: text, host: bare.host, port, pinned: null };
}

function splitPort(text: string): { host: string; port: string | null } {
  const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? '', port: match?.[3] ?? null };
}

async function lookAt(target: Target): Promise<Look> {
  const { host, port } = target;
  try {
    const seen = await fetchCertificate({ host, port, timeoutMs: LOOK_TIMEOUT_MS });
    return { ...target, seen, error: null };
  } catch (thrown) {
    if (!(thrown instanceof AutoblockError)) throw thrown;
    return { ...target, seen: null, error: `${thrown.message}. ${thrown.whatToDo}` };
  }
}

function isAsPinned({ seen, pinned }: Look): boolean {
  return seen?.kind === 'certificate' && (pinned === null || pinned === seen.fingerprint);
}

function asText(look: Look): string {
  const { name, host, port, seen, error } = look;
  const head = `${name} (${host} port ${port})`;
  if (seen === null) return `${head}: ${error ?? ''}`;
  if (seen.kind === 'anonymous') {
    const commands = certificateCommands(look).map((command) => `  ${command}`);
    return [
      `${head} has no certificate: anybody may pose as it. Give it one, at its console:`,
      ...commands,
    ].join('\n');
  }
  return [head, ...certificateLines(seen, look)].join('\n');
}

function certificateLines(seen: SeenCertificate & { kind: 'certificate' }, { pinned }: Look): string[] {
  const { fingerprint } = seen;
  const trust = seen.verifiedBySystem
    ? 'yes, for this host: no fingerprint is needed'
    : `no (${seen.whyNot ?? 'unknown'})`;
  const about = [
    `  fingerprint  ${fingerprint}`,
    `  subject      ${oneLine(seen.subject)}`,
    `  issuer       ${oneLine(seen.issuer)}`,
    `  valid        ${seen.validFrom} to ${seen.validTo}`,
    `  trusted here ${trust}`,
  ];
  if (pinned === fingerprint) return [...about, 'This is the fingerprint that is pinned.'];
  const warning =
    pinned === null
      ? []
      : [`NOT the pinned one (${pinned}): a new certificate, or somebody in between. Nothing is sent to it.`];
  return [
    ...about,
    ...warning,
    'Compare it at the console of the router, then pin it:',
    `  /certificate print detail where fingerprint=${fingerprint}`,
    `  ROUTER_FINGERPRINT=${fingerprint}`,
    `  or in ROUTERS_FILE: "fingerprint": "${fingerprint}"`,
  ];
}
