import type { LogRecord } from './log-record.ts';

/**
 * What single records mean, decided once for features, evidence and rules.
 */

/**
 * TCP ports where a password opens a machine: FTP, SSH, telnet, SMB, RDP, VNC, and RouterOS' Winbox and API.
 * Databases are left out on purpose: an application server legitimately opens hundreds of connections to them.
 */
const LOGIN_PORTS: ReadonlySet<number> = new Set([21, 22, 23, 445, 2222, 2323, 3389, 5900, 8291, 8728, 8729]);

/**
 * Services that ordinary clients of any network use without anybody's doing: names and time, web and mail, addresses
 * and neighbours, and the push, call and tunnel services of the large vendors (IANA service names; Apple HT202944,
 * Google FCM, MQTT 5.0, RFC 8489 for STUN). What only administrators use is left out: it is what attackers look for.
 */
const EVERYDAY_PORTS: ReadonlySet<number> = new Set([
  53, 67, 68, 80, 123, 137, 138, 143, 443, 465, 500, 546, 547, 587, 853, 993, 995, 1883, 1900, 3478, 3479,
  4500, 5222, 5223, 5228, 5229, 5230, 5349, 5353, 5355, 8883, 19_302, 51_820,
]);

/** True for a destination port in EVERYDAY_PORTS. */
export function isEverydayPort(port: number): boolean {
  return EVERYDAY_PORTS.has(port);
}

/** True for a destination port in LOGIN_PORTS. */
export function isLoginPort(port: number): boolean {
  return LOGIN_PORTS.has(port);
}

/** True for the actions by which a firewall refuses; anything else, also an unknown action, passed. */
export function isDropped(action: string | null): boolean {
  switch (action) {
    case 'drop':
    case 'reject':
    case 'deny':
    case 'block':
    case 'tarpit':
      return true;
    default:
      return false;
  }
}

export function isIcmp(protocol: string | null): boolean {
  return protocol === 'icmp' || protocol === 'icmpv6' || protocol === 'icmp6' || protocol === 'ipv6-icmp';
}

/** Fewer packets than this, both directions together, are no handshake (3) with anything said after it. */
const PACKETS_BEYOND_HANDSHAKE = 4;

/**
 * A bare SYN, SYN/ACK or RST has 40-64 bytes over IPv4 (20 IP + 20 TCP + up to 24 of the usual options), 20 more
 * over IPv6. Flows at or under this mean may hold nothing but retransmitted control segments.
 */
const CONTROL_SEGMENT_BYTES_V4 = 64;
const CONTROL_SEGMENT_BYTES_V6 = 84;

/** Too few packets for a handshake and anything said. False where the packet count is unknown. */
export function isSmallFlow(record: Pick<LogRecord, 'packets'>): boolean {
  return record.packets !== null && record.packets >= 0 && record.packets < PACKETS_BEYOND_HANDSHAKE;
}

/**
 * True when the record shows that its source really holds its address: a TCP flow, not dropped, that carried data
 * after a completed handshake. Everybody can forge the source of a SYN, and the answers of the host attacked count
 * into the same flow, so neither packets nor answers prove a source:
 * - 2 packets of 80 bytes are SYN + RST, the most frequent attack flow of the exposed-host captures;
 * - 4, 6, 8 … packets of 40 bytes each are the same repeated; of 60 or 64 bytes each they are one SYN and the
 *   SYN/ACKs that the host retransmits to a victim who never answers (Linux sends six). Of the 479 attack flows with
 *   4 or more packets in the captures stratosphere_011 and _008, 450 are no larger than such segments; of the
 *   benign ones in stratosphere_011, 95 % are larger.
 * Hence at least 4 packets AND on average more bytes than a control segment has. Unknown packets or bytes prove
 * nothing. A handshake closed without data is not counted either: in bytes it looks like retransmissions.
 */
export function isEstablishedTcp(record: LogRecord): boolean {
  const { packets, bytes } = record;
  if (record.protocol !== 'tcp' || packets === null || bytes === null) return false;
  if (packets < PACKETS_BEYOND_HANDSHAKE || isDropped(record.action)) return false;
  const isIpv6 = record.sourceIp.includes(':');
  return bytes > packets * (isIpv6 ? CONTROL_SEGMENT_BYTES_V6 : CONTROL_SEGMENT_BYTES_V4);
}

/**
 * True when a UDP flow was let through and went on. UDP has no handshake, but a scanner's probe is one to three packets,
 * its retransmissions and an answer included; a call, a tunnel or a game is hundreds.
 */
export function isUdpExchange({ protocol, packets, action }: LogRecord): boolean {
  return protocol === 'udp' && packets !== null && packets >= PACKETS_BEYOND_HANDSHAKE && !isDropped(action);
}

/**
 * More packets than a refused login or the request of a flood takes: of the SSH, telnet, SMB and RDP attempts in the
 * captures stratosphere_008 and _011 that got past a handshake, 99 % have at most 22.
 */
const PACKETS_OF_AN_ATTEMPT = 48;

/** True when a flow was let through and is longer than an attempt: somebody worked, called or transferred. */
export function isLongFlow({ packets, action }: LogRecord): boolean {
  return packets !== null && packets > PACKETS_OF_AN_ATTEMPT && !isDropped(action);
}

/**
 * True for a flow from a system port (RFC 6335: 0-1023) to a higher one: the answer of a server, in logs that write
 * each direction apart (NetFlow, packet by packet) or late packets of a connection already forgotten. Of the 16,680 attack
 * flows in the captures stratosphere_007, _008 and _011, none looks like this; in tpot_dionaea 55 of 20,791.
 */
export function isServiceReply({ protocol, sourcePort, destinationPort }: LogRecord): boolean {
  if (isIcmp(protocol) || sourcePort === null || destinationPort === null) return false;
  return sourcePort > 0 && sourcePort < FIRST_USER_PORT && destinationPort >= FIRST_USER_PORT;
}

const FIRST_USER_PORT = 1024;

/** A SYN has at most 64 bytes over IPv4 and the RST that refuses it 40: together no more than this on average. */
const LARGEST_REFUSED_MEAN_V4 = 52;
const IPV6_HEADER_EXCESS = 20;

/**
 * True when a TCP flow was let through and met an answer: at least two packets, both directions together, whose mean size
 * is that of attempts refused, or larger than any control segment. What lies between is a SYN with its options repeated
 * into silence, or a SYN/ACK that nobody acknowledged. Whoever forges SYNs draws RSTs too, and can make them small, so
 * this is weaker than isEstablishedTcp: it tells a scan that our hosts answer from one that falls silent. Unknown
 * packets or bytes prove nothing.
 */
export function isAnsweredTcp({ protocol, packets, bytes, action, sourceIp }: LogRecord): boolean {
  if (protocol !== 'tcp' || packets === null || bytes === null || packets < 2 || isDropped(action))
    return false;
  const mean = bytes / packets - (sourceIp.includes(':') ? IPV6_HEADER_EXCESS : 0);
  return mean <= LARGEST_REFUSED_MEAN_V4 || mean > CONTROL_SEGMENT_BYTES_V4;
}
