import type { LogRecord } from '../../src/features/log-record.ts';
import { dropped, flows } from './traffic.ts';

/** Harmless traffic that looks as loud, as wide or as regular as attacks. All by one source each. */
export interface LookAlike {
  readonly what: string;
  readonly records: readonly LogRecord[];
}

type Span = { readonly fromMs: number; readonly toMs: number };
type Change = (index: number) => Partial<LogRecord>;

/** Flows of one source, spread evenly over a span. */
export interface Host {
  readonly sourceIp: string;
  readonly span: Span;
}

function flowsOf({ sourceIp, span }: Host, count: number, change: Change): LogRecord[] {
  return flows(count, (index) => ({ sourceIp, ...change(index) }), span);
}

function lookAlike(what: string, ...parts: readonly (readonly LogRecord[])[]): LookAlike {
  return { what, records: parts.flat().sort((left, right) => left.timestampMs - right.timestampMs) };
}

/** Many exchanges of many packets each. */
const work = { packets: 200, bytes: 160_000 } as const;
const page = { packets: 30, bytes: 20_000 } as const;
const lookup = { destinationPort: 53, protocol: 'udp', packets: 2, bytes: 220 } as const;
/** A SYN and its repetitions, to a server that is away. */
const unanswered = { packets: 3, bytes: 180 } as const;
const server = (index: number): string => `104.18.${index >>> 7}.${1 + (index & 127)}`;

/** Outside sources, within one short window. */
export function outsideLookAlikes(host: Host): LookAlike[] {
  const call = { protocol: 'udp', packets: 3000, bytes: 600_000 } as const;
  const signalling = flowsOf(host, 2, () => ({ destinationPort: 5061, packets: 30, bytes: 9000 }));
  /** In one direction only, as NetFlow writes it. */
  const answers = (port: number, count: number, change: Partial<LogRecord>): LogRecord[] =>
    flowsOf(host, count, (i) => ({ sourcePort: port, destinationPort: 2000 + 97 * i, ...change }));
  return [
    lookAlike(
      'a content network fetching a thousand pages a minute',
      flowsOf(host, 5000, () => work),
    ),
    lookAlike(
      'a build machine pulling over SSH twenty times a minute',
      flowsOf(host, 100, () => ({ ...work, destinationPort: 22 })),
    ),
    lookAlike(
      'automation at work on a hundred machines over SSH',
      flowsOf(host, 100, (i) => ({ ...work, destinationIp: `198.51.100.${i}`, destinationPort: 22 })),
    ),
    lookAlike(
      'a telephone provider with fifty calls and its signalling',
      flowsOf(host, 100, (i) => ({ ...call, destinationPort: 10_000 + 2 * i })),
      signalling,
    ),
    lookAlike(
      'a name server answering by UDP and TCP, seen in one direction',
      answers(53, 500, { protocol: 'udp', packets: 1, bytes: 200 }),
      answers(53, 3, { packets: 8, bytes: 3000 }),
    ),
    lookAlike(
      'a web site answering, half of it keeping idle connections alive, seen in one direction',
      answers(443, 40, { packets: 2, bytes: 104, action: null }),
      answers(443, 20, { ...work, action: null }),
    ),
    lookAlike(
      'a web site whose late packets the firewall drops, and that calls back',
      answers(443, 40, { ...dropped, bytes: 52 }),
      flowsOf(host, 5, () => page),
    ),
    lookAlike(
      'an office behind one address',
      flowsOf(host, 450, (i) => ({ ...page, destinationPort: i % 10 === 0 ? 80 : 443 })),
    ),
    lookAlike(
      'passive FTP',
      flowsOf(host, 40, (i) => ({ destinationPort: 50_000 + i })),
    ),
    lookAlike(
      'a backup pulling over SSH',
      flowsOf(host, 4, () => ({ destinationPort: 22, packets: 3e6, bytes: 4e9 })),
    ),
    lookAlike(
      'a tunnel',
      flowsOf(host, 2, () => ({ destinationPort: 51_820, protocol: 'udp', packets: 9000, bytes: 6e6 })),
    ),
  ];
}

/** Inside sources, within one short window. */
export function insideLookAlikes(host: Host): LookAlike[] {
  return [
    lookAlike(
      'a name resolver',
      flowsOf(host, 600, (i) => ({ ...lookup, destinationIp: server(i % 100) })),
    ),
    lookAlike(
      'a backup server',
      flowsOf(host, 4, () => ({
        destinationIp: '192.168.10.5',
        destinationPort: 445,
        bytes: 4e8,
        packets: 3e5,
      })),
    ),
    lookAlike(
      'a busy PC: 281 flows to 15 destinations, 269 completed',
      flowsOf(host, 281, (i) => ({
        ...page,
        destinationIp: server(i % 15),
        ...(i % 24 === 0 ? unanswered : {}),
      })),
    ),
    lookAlike(
      'monitoring that is answered',
      flowsOf(host, 240, (i) => ({
        destinationIp: `192.168.10.${i % 60}`,
        destinationPort: 161,
        protocol: 'udp',
        packets: 2,
        bytes: 180,
      })),
    ),
    lookAlike(
      'peer-to-peer',
      flowsOf(host, 60, (i) => ({
        destinationIp: server(i),
        destinationPort: 20_000 + 97 * i,
        protocol: 'udp',
        packets: 20,
        bytes: 9000,
      })),
    ),
    lookAlike(
      'an administrator',
      flowsOf(host, 4, () => ({
        destinationIp: '192.168.10.5',
        destinationPort: 22,
        packets: 900,
        bytes: 90_000,
      })),
    ),
    lookAlike(
      'a client retrying a dead server',
      flowsOf(host, 8, () => ({ destinationIp: server(7), destinationPort: 8443, ...unanswered })),
    ),
    lookAlike(
      'time service at regular intervals',
      flowsOf(host, 20, () => ({
        destinationIp: server(5),
        destinationPort: 123,
        protocol: 'udp',
        packets: 2,
        bytes: 152,
      })),
    ),
  ];
}

/** Inside sources at work for an hour. */
export function insideHourLookAlikes(host: Host): LookAlike[] {
  const browsing = flowsOf(host, 60, (i) => ({ ...page, destinationIp: server(i % 25) }));
  return [
    lookAlike(
      'an administrator with twenty SSH sessions, some short',
      flowsOf(host, 20, (i) => ({
        destinationIp: `192.168.10.${5 + (i % 6)}`,
        destinationPort: 22,
        packets: 30 + 90 * (i % 5),
        bytes: 6000 + 15_000 * (i % 5),
      })),
    ),
    lookAlike(
      'automation at work over SSH, 120 sessions on ten machines',
      flowsOf(host, 120, (i) => ({
        ...work,
        destinationIp: `192.168.10.${5 + (i % 10)}`,
        destinationPort: 22,
      })),
    ),
    lookAlike(
      'monitoring that polls fifty hosts a minute',
      flowsOf(host, 3000, (i) => ({
        destinationIp: `192.168.10.${i % 50}`,
        ...[
          { destinationPort: 161, protocol: 'udp', packets: 4, bytes: 480 },
          { destinationPort: null, protocol: 'icmp', packets: 2, bytes: 168 },
          { destinationPort: 443, packets: 12, bytes: 3000 },
        ][(i >>> 3) % 3]!,
      })),
    ),
    lookAlike(
      'a client retrying a dead server outside once a minute, while somebody browses',
      flowsOf(host, 60, () => ({ destinationIp: server(7), destinationPort: 8443, ...unanswered })),
      browsing,
    ),
    lookAlike(
      'a machine retrying a dead server outside every two minutes',
      flowsOf(host, 30, () => ({ destinationIp: server(7), destinationPort: 8443, ...unanswered })),
    ),
    lookAlike(
      'a PC retrying a printer that is switched off once a minute, while somebody browses',
      flowsOf(host, 60, () => ({ destinationIp: '192.168.10.99', destinationPort: 9100, ...unanswered })),
      browsing,
    ),
    lookAlike(
      'a PC retrying a printer that is switched off once a minute',
      flowsOf(host, 60, () => ({ destinationIp: '192.168.10.99', destinationPort: 9100, ...unanswered })),
    ),
    lookAlike(
      'a name resolver',
      flowsOf(host, 3000, (i) => ({ ...lookup, destinationIp: server(i % 300), packets: 2 + (i % 5) })),
    ),
    lookAlike(
      'a time server answering in one direction',
      flowsOf(host, 400, (i) => ({
        sourcePort: 123,
        destinationIp: `192.168.10.${i % 90}`,
        destinationPort: 40_000 + 31 * i,
        protocol: 'udp',
        packets: 1,
        bytes: 76,
      })),
    ),
    lookAlike(
      'a time client once a minute',
      flowsOf(host, 60, () => ({
        destinationIp: server(5),
        destinationPort: 123,
        protocol: 'udp',
        packets: 2,
        bytes: 152,
      })),
    ),
    lookAlike(
      'a mail server delivering, a tenth of it in vain',
      flowsOf(host, 200, (i) => ({
        destinationIp: server(i % 80),
        destinationPort: 25,
        ...(i % 10 === 0 ? unanswered : { packets: 20 + (i % 40), bytes: 9000 + 700 * (i % 40) }),
      })),
    ),
    lookAlike(
      'peer-to-peer, a third of it in vain',
      flowsOf(host, 600, (i) => ({
        destinationIp: server(i % 400),
        destinationPort: 6881 + 97 * (i % 400),
        protocol: i % 2 === 0 ? 'udp' : 'tcp',
        ...(i % 3 === 0
          ? { packets: 1, bytes: 60 }
          : { packets: 10 + (i % 50), bytes: 5000 + 900 * (i % 50) }),
      })),
    ),
    lookAlike(
      'a device that calls home every minute and is answered',
      flowsOf(host, 60, () => ({
        destinationIp: server(3),
        destinationPort: 8883,
        packets: 14,
        bytes: 2500,
      })),
    ),
    lookAlike(
      'a long video call',
      flowsOf(host, 4, (i) => ({
        destinationIp: server(9),
        destinationPort: 3478 + (i % 2),
        protocol: 'udp',
        packets: 100_000,
        bytes: 9e7,
      })),
      browsing,
    ),
    lookAlike(
      'a device that announces itself to the network',
      flowsOf(host, 120, () => ({
        destinationIp: '239.255.255.250',
        destinationPort: 1900,
        protocol: 'udp',
        packets: 1,
        bytes: 200,
      })),
    ),
    lookAlike(
      'a busy PC',
      flowsOf(host, 900, (i) => ({
        ...page,
        destinationIp: server(i % 90),
        ...(i % 24 === 0 ? unanswered : {}),
      })),
      flowsOf(host, 300, () => ({ ...lookup, destinationIp: '192.168.10.53' })),
    ),
  ];
}

/** Outside sources at work for an hour. */
export function outsideHourLookAlikes(host: Host): LookAlike[] {
  const published = { destinationIp: '203.0.113.10' } as const;
  return [
    lookAlike(
      'an office behind one address',
      flowsOf(host, 1500, (i) => ({
        ...page,
        ...published,
        ...(i % 20 === 0 ? { packets: 2, bytes: 120 } : {}),
      })),
    ),
    lookAlike(
      'a health check once a minute',
      flowsOf(host, 60, () => ({ ...published, packets: 12, bytes: 3000 })),
    ),
    lookAlike(
      'a mail relay that tries again',
      flowsOf(host, 40, (i) => ({
        destinationIp: '203.0.113.25',
        destinationPort: 25,
        packets: 12 + 5 * (i % 7),
        bytes: 1800 + 3000 * (i % 7),
      })),
    ),
    lookAlike(
      'somebody synchronising over SSH every three minutes',
      flowsOf(host, 20, () => ({ ...work, destinationIp: '203.0.113.22', destinationPort: 22 })),
    ),
    lookAlike(
      'a build machine pulling over SSH twice a minute',
      flowsOf(host, 120, () => ({ ...work, destinationIp: '203.0.113.22', destinationPort: 22 })),
    ),
    lookAlike(
      'a telephone provider with calls all the time',
      flowsOf(host, 300, (i) => ({
        destinationIp: '203.0.113.30',
        destinationPort: 10_000 + 2 * i,
        protocol: 'udp',
        packets: 3000,
        bytes: 600_000,
      })),
      flowsOf(host, 20, () => ({
        destinationIp: '203.0.113.30',
        destinationPort: 5061,
        packets: 30,
        bytes: 9000,
      })),
    ),
    lookAlike(
      'a crawler',
      flowsOf(host, 200, (i) => ({ ...published, packets: 8 + (i % 30), bytes: 4000 + 900 * (i % 30) })),
    ),
    lookAlike(
      'passive FTP',
      flowsOf(host, 120, (i) => ({
        ...published,
        destinationPort: i % 2 === 0 ? 21 : 50_000 + i,
        packets: 40,
        bytes: 30_000,
      })),
    ),
    lookAlike(
      'a name server answering, seen in one direction',
      flowsOf(host, 900, (i) => ({
        sourcePort: 53,
        destinationIp: '203.0.113.10',
        destinationPort: 2000 + 67 * i,
        protocol: 'udp',
        packets: 1,
        bytes: 200,
      })),
    ),
    lookAlike(
      'a web site whose late packets the firewall drops',
      flowsOf(host, 60, (i) => ({
        sourcePort: 443,
        destinationIp: '203.0.113.10',
        destinationPort: 2000 + 97 * i,
        ...dropped,
        bytes: 52,
      })),
    ),
    lookAlike(
      'a visitor whose connections time out now and then',
      flowsOf(host, 60, (i) => ({ ...page, ...published, ...(i % 4 === 0 ? unanswered : {}) })),
    ),
  ];
}
