import type { Config } from '../config/load-config.ts';
import { buildProtection, type Protection } from '../decisions/protected-networks.ts';
import { canonicalText } from '../ip/address.ts';
import type { Logger } from '../logger.ts';

interface ProtectedAddress {
  readonly address: string;
  readonly why: string;
}

interface ToldAddress extends ProtectedAddress {
  readonly router: string;
}

export interface SiteProtectionParts {
  readonly config: Pick<
    Config,
    'internalNetworks' | 'blockInternal' | 'allowlist' | 'routers' | 'databaseUrl'
  >;
  readonly ledger: {
    /** What the routers last told, by whichever process read it. */
    routerProtected(): readonly ToldAddress[];
  };
  readonly logger: Logger;
  /** All addresses of a host name; rejects when it has none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Addresses of this machine's interfaces, zone ids allowed. */
  readonly networkInterfaces: () => readonly string[];
  readonly nowMs: () => number;
}

/** The never-block set of the whole site, kept current while addresses and names move. */
export interface SiteProtection {
  /** Cheap to ask: built anew only when something it rests on has changed. */
  current(): Protection;
  /** With what a router has just told and the ledger does not know yet. */
  currentWith(told: readonly ToldAddress[]): Protection;
  /** Asks names and interfaces anew when the last time is five minutes ago; never rejects. */
  refresh(): Promise<void>;
  /** This machine, the routers' and the database's hosts, as last resolved. */
  hosts(): readonly ProtectedAddress[];
}

/** A dynamic-DNS name moves within minutes; asking more often only loads the resolver. */
const RESOLVE_AGAIN_MS = 5 * 60_000;

export function createSiteProtection(parts: SiteProtectionParts): SiteProtection {
  const names = createNameBook(parts);
  let refreshedAtMs: number | null = null;
  let refreshing: Promise<void> | null = null;
  let hosts: readonly ProtectedAddress[] = [];
  let built: { readonly of: string; readonly protection: Protection } | null = null;

  async function resolveAgain(): Promise<void> {
    const resolved = await Promise.all(peersOf(parts.config).map((peer) => names.addressesOf(peer)));
    hosts = [...ownAddresses(parts.networkInterfaces()), ...resolved.flat()];
    refreshedAtMs = parts.nowMs();
  }

  return {
    current() {
      const told = parts.ledger.routerProtected();
      const of = JSON.stringify([hosts, told.map(({ router, address, why }) => [router, address, why])]);
      if (built?.of !== of)
        built = { of, protection: protectionOfSite(parts, [...hosts, ...told.map(named)]) };
      return built.protection;
    },
    currentWith: (told) =>
      protectionOfSite(parts, [...hosts, ...[...told, ...parts.ledger.routerProtected()].map(named)]),
    refresh() {
      const age = refreshedAtMs === null ? null : parts.nowMs() - refreshedAtMs;
      // A clock set back makes the age negative: then it is not known, and asking is cheap.
      if (age !== null && age >= 0 && age < RESOLVE_AGAIN_MS) return Promise.resolve();
      refreshing ??= resolveAgain().finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    hosts: () => hosts,
  };
}

function protectionOfSite(
  { config }: SiteProtectionParts,
  extraProtected: readonly ProtectedAddress[],
): Protection {
  const { internalNetworks, blockInternal, allowlist } = config;
  return buildProtection({ internalNetworks, blockInternal, allowlist, extraProtected });
}

function named(told: ToldAddress): ProtectedAddress {
  return { address: told.address, why: `router ${told.router}: ${told.why}` };
}

function ownAddresses(interfaces: readonly string[]): ProtectedAddress[] {
  return interfaces.map((address) => ({
    address: address.replace(/%.*$/, ''),
    why: 'address of this server',
  }));
}

interface Peer {
  readonly host: string;
  readonly why: string;
}

/** Hosts this daemon must reach whatever the traffic looks like. */
function peersOf({ routers, databaseUrl }: SiteProtectionParts['config']): Peer[] {
  return [
    ...routers.map(({ name, host }) => ({ host, why: `address of router ${name}` })),
    ...databaseHosts(databaseUrl).map((host) => ({ host, why: 'database host' })),
  ];
}

/** Host of a connection URL; none for a socket path. */
function databaseHosts(databaseUrl: string | null): string[] {
  if (databaseUrl === null || !URL.canParse(databaseUrl)) return [];
  const host = new URL(databaseUrl).hostname.replace(/^\[(.*)\]$/, '$1');
  return host === '' || host.includes('%') ? [] : [host];
}

/** Remembers what a name last resolved to: a resolver that is away must not take the protection with it. */
function createNameBook({ resolve, logger }: SiteProtectionParts) {
  const known = new Map<string, readonly string[]>();
  const failing = new Set<string>();

  function tellFailure({ host, why }: Peer, thrown: unknown): void {
    // Once until it works again: this is asked every few minutes, for ever.
    if (failing.has(host)) return;
    failing.add(host);
    const kept = known.get(host) ?? [];
    const sentence =
      kept.length === 0
        ? 'host not resolved: its address is not protected'
        : 'host not resolved: the addresses it had stay protected';
    logger.warn({ code: 'HOST_UNRESOLVED', host, why, kept, err: thrown }, sentence);
  }

  return {
    async addressesOf(peer: Peer): Promise<ProtectedAddress[]> {
      const { host, why } = peer;
      if (canonicalText(host) !== null) return [{ address: host, why }];
      try {
        known.set(host, await resolve(host));
        failing.delete(host);
      } catch (thrown) {
        tellFailure(peer, thrown);
      }
      return (known.get(host) ?? []).map((address) => ({ address, why }));
    },
  };
}
