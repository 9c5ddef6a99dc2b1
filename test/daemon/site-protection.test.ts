import { describe, expect, it } from 'vitest';
import { createSiteProtection, type SiteProtectionParts } from '../../src/daemon/site-protection.ts';
import { protectionOf } from '../../src/decisions/protected-networks.ts';
import { createLogger } from '../../src/logger.ts';

type Told = ReturnType<SiteProtectionParts['ledger']['routerProtected']>;

const ROUTER = { name: 'edge', host: 'edge.example' } as SiteProtectionParts['config']['routers'][number];

function openSite(config: Partial<SiteProtectionParts['config']> = {}) {
  const lines: Record<string, unknown>[] = [];
  const world = {
    nowMs: 0,
    told: [] as Told,
    interfaces: ['198.51.100.200'],
    names: new Map<string, readonly string[]>([['edge.example', ['203.0.113.1']]]),
    lookups: 0,
    lines,
  };
  const site = createSiteProtection({
    config: {
      internalNetworks: [],
      blockInternal: false,
      allowlist: [],
      routers: [ROUTER],
      databaseUrl: null,
      ...config,
    },
    ledger: { routerProtected: () => world.told },
    logger: createLogger({
      level: 'info',
      destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    }),
    resolve: (host) => {
      world.lookups += 1;
      const addresses = world.names.get(host);
      return addresses === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(addresses);
    },
    networkInterfaces: () => world.interfaces,
    nowMs: () => world.nowMs,
  });
  const whyOf = (address: string): string | null => protectionOf(site.current(), address)?.why ?? null;
  return { site, world, whyOf };
}

describe('the never-block set of a site', () => {
  it('holds this server, the routers and the database', async () => {
    const { site, whyOf } = openSite({ databaseUrl: 'postgresql://u:p@[2001:db8:db::1]:5432/logs' });
    await site.refresh();
    expect(whyOf('198.51.100.200')).toBe('address of this server');
    expect(whyOf('203.0.113.1')).toBe('address of router edge');
    expect(whyOf('2001:db8:db::1')).toBe('database host');
    expect(whyOf('203.0.113.2')).toBeNull();
  });

  it('holds what a router told as soon as the ledger does, and no longer than the ledger does', async () => {
    const { site, world, whyOf } = openSite();
    await site.refresh();
    expect(whyOf('198.51.100.1')).toBeNull();
    world.told = [{ router: 'edge', address: '198.51.100.1', why: 'gateway of 0.0.0.0/0' }];
    expect(whyOf('198.51.100.1')).toBe('router edge: gateway of 0.0.0.0/0');
    world.told = [];
    expect(whyOf('198.51.100.1')).toBeNull();
  });

  it('is built once while nothing changes: it is asked for by every run', async () => {
    const { site, world } = openSite();
    await site.refresh();
    const first = site.current();
    world.told = [];
    expect(site.current()).toBe(first);
  });

  it('follows a name that moves, five minutes later and not at every question', async () => {
    const { site, world, whyOf } = openSite();
    await site.refresh();
    world.names.set('edge.example', ['203.0.113.9']);
    world.nowMs += 299_999;
    await site.refresh();
    expect(world.lookups).toBe(1);
    world.nowMs += 1;
    world.interfaces = ['198.51.100.201'];
    await Promise.all([site.refresh(), site.refresh()]);
    expect(world.lookups).toBe(2);
    expect([whyOf('203.0.113.9'), whyOf('203.0.113.1')]).toEqual(['address of router edge', null]);
    expect([whyOf('198.51.100.201'), whyOf('198.51.100.200')]).toEqual(['address of this server', null]);
  });

  it('asks again when the clock was set back', async () => {
    const { site, world } = openSite();
    world.nowMs = 1_000_000;
    await site.refresh();
    world.nowMs = 0;
    await site.refresh();
    expect(world.lookups).toBe(2);
  });

  it('keeps the last known addresses while the resolver is away, and warns once until it is back', async () => {
    const { site, world, whyOf } = openSite();
    const later = (): Promise<void> => {
      world.nowMs += 300_000;
      return site.refresh();
    };
    await site.refresh();
    world.names.clear();
    await later();
    await later();
    expect(whyOf('203.0.113.1')).toBe('address of router edge');
    expect(world.lines).toEqual([
      expect.objectContaining({ code: 'HOST_UNRESOLVED', host: 'edge.example', kept: ['203.0.113.1'] }),
    ]);
    world.names.set('edge.example', ['203.0.113.1']);
    await later();
    world.names.clear();
    await later();
    expect(world.lines).toHaveLength(2);
  });

  it('says that a name which never resolved is not protected', async () => {
    const { site, world } = openSite();
    world.names.clear();
    await site.refresh();
    expect(world.lines).toEqual([
      expect.objectContaining({ msg: 'host not resolved: its address is not protected', kept: [] }),
    ]);
    expect(site.hosts()).toEqual([{ address: '198.51.100.200', why: 'address of this server' }]);
  });
});
