import type { Random } from '../detector/random.ts';
import type { LogRecord } from '../features/log-record.ts';
import type { SiteClock } from './synthetic-clock.ts';
import {
  arrivals,
  between,
  completedFlow,
  droppedProbe,
  type FlowStart,
  pick,
  pickPopular,
  type Range,
  waitMs,
} from './synthetic-flows.ts';
import {
  type BenignRole,
  FILE_SERVER,
  MAIL_SERVER,
  OFFSITE_BACKUP,
  PUBLISHED_PREFIX,
  RESOLVER,
  type Site,
  WEB_SERVER,
} from './synthetic-site.ts';

/** One harmless source and what it needs to know to behave. */
interface Actor {
  readonly sourceIp: string;
  readonly random: Random;
  readonly site: Site;
  readonly clock: SiteClock;
  readonly startMs: number;
  readonly endMs: number;
}

type Behaviour = (actor: Actor) => Iterable<LogRecord>;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const WEB_PAGE = { protocol: 'tcp', packets: [10, 120], bytesPerPacket: [180, 1100] } as const;
const DNS_LOOKUP = { protocol: 'udp', packets: [2, 2], bytesPerPacket: [60, 240] } as const;
const MAIL = { protocol: 'tcp', packets: [14, 90], bytesPerPacket: [120, 900] } as const;
const BULK = { protocol: 'tcp', packets: [200_000, 9_000_000], bytesPerPacket: [900, 1400] } as const;
const INCREMENT = { protocol: 'tcp', packets: [20_000, 200_000], bytesPerPacket: [800, 1400] } as const;
const KEEPALIVE = { protocol: 'tcp', packets: [6, 16], bytesPerPacket: [60, 160] } as const;

/** What each harmless role does; every stream is in order of time. */
export const BEHAVIOURS: Readonly<Record<BenignRole, Behaviour>> = {
  lan_host: lanHost,
  dns_resolver: dnsResolver,
  backup_server: backupServer,
  nat_gateway: natGateway,
  published_server: publishedServer,
  web_client: webClient,
  mail_relay: mailRelay,
  office_nat: officeNat,
  crawler,
  monitor,
  background_noise: backgroundNoise,
};

function isV6(address: string): boolean {
  return address.includes(':');
}

function start(actor: Actor, atMs: number, to: { readonly ip: string; readonly port: number }): FlowStart {
  return { atMs, sourceIp: actor.sourceIp, destinationIp: to.ip, destinationPort: to.port };
}

/** A destination of the actor's own address family. */
function website(actor: Actor): string {
  for (;;) {
    const found = pickPopular(actor.random, actor.site.websites);
    if (isV6(found) === isV6(actor.sourceIp)) return found;
  }
}

function serverOf(actor: Actor, server: { readonly v4: string; readonly v6: string }): string {
  return isV6(actor.sourceIp) ? server.v6 : server.v4;
}

/** Sessions by the office clock: a lookup, then a page in several connections; now and then mail, files, updates. */
function* lanHost(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  const perHour = 1.5 + 5 * random.next();
  const activity = (at: number): number => 0.06 + 0.94 * clock.office(at);
  let free = actor.startMs;
  for (const arrival of arrivals(random, actor, { perHour, activity })) {
    const at = Math.max(arrival, free);
    if (at >= actor.endMs) return;
    free = yield* lanSession(actor, at);
  }
}

/** Returns the time of its last flow. */
function* lanSession(actor: Actor, atMs: number): Generator<LogRecord, number> {
  const { random } = actor;
  const kind = random.next();
  let at = atMs;
  if (!isV6(actor.sourceIp))
    yield completedFlow(random, start(actor, at, { ip: RESOLVER, port: 53 }), DNS_LOOKUP);
  at += between(random, [5, 80]);
  if (kind < 0.12) {
    const port = pick(random, [993, 587]);
    yield* limited(actor, at, (t) =>
      completedFlow(random, start(actor, t, { ip: serverOf(actor, MAIL_SERVER), port }), MAIL),
    );
    return at;
  }
  if (kind < 0.2 && !isV6(actor.sourceIp)) {
    yield* limited(actor, at, (t) =>
      completedFlow(random, start(actor, t, { ip: FILE_SERVER, port: 445 }), WEB_PAGE),
    );
    return at;
  }
  const port = random.next() < 0.93 ? 443 : 80;
  const page = kind < 0.3 ? KEEPALIVE : WEB_PAGE;
  for (let left = between(random, [1, 6]); left > 0; left -= 1) {
    yield* limited(actor, at, (t) =>
      completedFlow(random, start(actor, t, { ip: website(actor), port }), page),
    );
    at += waitMs(random, 2 * SECOND_MS);
  }
  return at;
}

/** The flow, unless the traffic has ended by then. */
function* limited(actor: Actor, atMs: number, make: (atMs: number) => LogRecord): Generator<LogRecord> {
  if (atMs < actor.endMs) yield make(atMs);
}

/** Asks hundreds of name servers on behalf of everyone: many destinations on one port, all day. */
function* dnsResolver(actor: Actor): Generator<LogRecord> {
  const { random, clock, site } = actor;
  const activity = (at: number): number => 0.2 + 0.8 * clock.office(at);
  for (const at of arrivals(random, actor, { perHour: 480, activity }))
    yield completedFlow(
      random,
      start(actor, at, { ip: pickPopular(random, site.nameServers), port: 53 }),
      DNS_LOOKUP,
    );
}

/** Tens of gigabytes at 01:00, hundreds of megabytes every hour. */
function* backupServer(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  const firstHour = Math.ceil(clock.hourOfWeek(actor.startMs));
  const firstAt = actor.startMs + (firstHour - clock.hourOfWeek(actor.startMs)) * HOUR_MS;
  let at = firstAt;
  for (let hour = 0; firstAt + hour * HOUR_MS < actor.endMs; hour += 1) {
    const full = (firstHour + hour) % 24 === 1;
    // A slow full backup may run into the next hour: that round waits for it.
    at = Math.max(at, firstAt + hour * HOUR_MS);
    for (let left = full ? 16 : 5; left > 0; left -= 1) {
      at += waitMs(random, full ? MINUTE_MS : 10 * SECOND_MS);
      const to = left % 2 === 0 ? { ip: OFFSITE_BACKUP, port: 873 } : { ip: FILE_SERVER, port: 22 };
      yield* limited(actor, at, (t) => completedFlow(random, start(actor, t, to), full ? BULK : INCREMENT));
    }
  }
}

/** Guest network behind one inside address: many people's browsing from one source. */
function* natGateway(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  const activity = (at: number): number => 0.1 + 0.9 * clock.office(at);
  for (const at of arrivals(random, actor, { perHour: 330, activity })) {
    const quic = random.next() < 0.3;
    const to = { ip: website(actor), port: quic ? 443 : pick(random, [443, 443, 443, 80, 993]) };
    yield completedFlow(random, start(actor, at, to), quic ? { ...WEB_PAGE, protocol: 'udp' } : WEB_PAGE);
  }
}

/** Updates, mail going out, certificate checks. */
function* publishedServer(actor: Actor): Generator<LogRecord> {
  const { random } = actor;
  for (const at of arrivals(random, actor, { perHour: 12, activity: () => 1 })) {
    const mail = actor.sourceIp !== WEB_SERVER.v4 && random.next() < 0.7;
    const to = { ip: website(actor), port: mail ? 25 : 443 };
    yield completedFlow(random, start(actor, at, to), mail ? MAIL : WEB_PAGE);
  }
}

/** Visits the published web site for some minutes, a few times a week. */
function* webClient(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  const perHour = 0.08 + 0.16 * random.next();
  let free = actor.startMs;
  for (const arrival of arrivals(random, actor, { perHour, activity: clock.home })) {
    let at = Math.max(arrival, free);
    for (let left = between(random, [2, 12]); left > 0 && at < actor.endMs; left -= 1) {
      const to = { ip: serverOf(actor, WEB_SERVER), port: random.next() < 0.9 ? 443 : 80 };
      yield completedFlow(random, start(actor, at, to), WEB_PAGE);
      at += waitMs(random, 6 * SECOND_MS);
    }
    free = at;
  }
}

function* mailRelay(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  const perHour = 0.5 + 1.5 * random.next();
  for (const at of arrivals(random, actor, { perHour, activity: clock.home }))
    yield completedFlow(random, start(actor, at, { ip: serverOf(actor, MAIL_SERVER), port: 25 }), MAIL);
}

/** Another company's whole office behind one address, working with our web and mail server. */
function* officeNat(actor: Actor): Generator<LogRecord> {
  const { random, clock } = actor;
  for (const at of arrivals(random, actor, { perHour: 360, activity: clock.office })) {
    const mail = random.next() < 0.25;
    const to = mail
      ? { ip: MAIL_SERVER.v4, port: pick(random, [993, 587]) }
      : { ip: WEB_SERVER.v4, port: 443 };
    yield completedFlow(random, start(actor, at, to), mail ? MAIL : WEB_PAGE);
  }
}

/** Search engine: steady, day and night. */
function* crawler(actor: Actor): Generator<LogRecord> {
  const { random } = actor;
  const size: { protocol: 'tcp'; packets: Range; bytesPerPacket: Range } = { ...WEB_PAGE, packets: [8, 40] };
  for (const at of arrivals(random, actor, { perHour: 14, activity: () => 1 }))
    yield completedFlow(random, start(actor, at, { ip: WEB_SERVER.v4, port: 443 }), size);
}

/** Uptime check every two minutes: as regular as a beacon, and wanted. */
function* monitor(actor: Actor): Generator<LogRecord> {
  const { random } = actor;
  const periodMs = 2 * MINUTE_MS;
  for (let at = actor.startMs + random.next() * periodMs; at < actor.endMs; at += periodMs) {
    const jittered = Math.min(at + random.next() * 300, actor.endMs - 1);
    yield completedFlow(random, start(actor, jittered, { ip: WEB_SERVER.v4, port: 443 }), KEEPALIVE);
  }
}

/** One to three packets to a random published address, thrown away by the firewall: what every address gets all day. */
function* backgroundNoise(actor: Actor): Generator<LogRecord> {
  const { random } = actor;
  const ports = [22, 23, 80, 443, 445, 1433, 2323, 3389, 5060, 5900, 6379, 8080, 8728, 37_215];
  const times = Array.from({ length: pick(random, [1, 1, 1, 2, 2, 3]) }, () => random.next()).sort(
    (a, b) => a - b,
  );
  for (const share of times) {
    const at = actor.startMs + share * (actor.endMs - actor.startMs);
    // From .30 on nothing is published, so none of it is let through.
    const to = { ip: `${PUBLISHED_PREFIX}${between(random, [30, 254])}`, port: pick(random, ports) };
    yield droppedProbe(random, start(actor, at, to), to.port === 5060 ? 'udp' : 'tcp');
  }
}
