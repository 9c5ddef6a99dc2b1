import type { LogRecord } from '../features/log-record.ts';
import { parseAddress } from '../ip/address.ts';
import { parseCicidsTimestamp } from './cicids2017-timestamp.ts';
import type { CicidsDay } from './cicids2017-week.ts';

/**
 * Lines of the published flow files: 85 columns made by CICFlowMeter, names with leading blanks, `Fwd Header Length`
 * twice with the same content (the first is taken), no quotes. `Flow Bytes/s` may be NaN or Infinity; it is not read.
 */
const COLUMNS = [
  'Source IP',
  'Source Port',
  'Destination IP',
  'Destination Port',
  'Protocol',
  'Timestamp',
  'Total Fwd Packets',
  'Total Backward Packets',
  'Total Length of Fwd Packets',
  'Total Length of Bwd Packets',
  'Fwd Header Length',
  'Bwd Header Length',
  'Label',
] as const;

type CicidsColumn = (typeof COLUMNS)[number];

export interface CicidsHeader {
  readonly fieldCount: number;
  /** Where each column lies in a line, counted from 0. */
  readonly positions: Readonly<Record<CicidsColumn, number>>;
}

/** A flow of this layout always knows its ports and volume. */
export interface CicidsRecord extends LogRecord {
  sourcePort: number;
  destinationPort: number;
  bytes: number;
  packets: number;
}

export type CicidsLine =
  /** attack: its name, null for benign. */
  | { readonly kind: 'flow'; readonly record: CicidsRecord; readonly attack: string | null }
  /** Nothing but commas: one published file ends in some 288,000 of them. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'bad'; readonly reason: string };

const MAX_PORT = 65_535;
const MAX_PACKETS = 2 ** 31 - 1;
const MAX_LABEL_CHARACTERS = 60;
const MAX_FOUND_CHARACTERS = 80;

/**
 * IANA protocol numbers. 0 stands in these files for whatever CICFlowMeter could not read (ARP, ICMP, oversized
 * frames), not for IPv6 hop-by-hop options, so it is "not known", as any other number is.
 */
const PROTOCOL_NAMES: ReadonlyMap<string, string> = new Map([
  ['1', 'icmp'],
  ['6', 'tcp'],
  ['17', 'udp'],
]);

const IPV4_HEADER_BYTES = 20;
/** RFC 768. */
const UDP_HEADER_BYTES = 8;
/** RFC 9293: 5 to 15 words of 32 bits. */
const TCP_HEADER_BYTES = { least: 20, most: 60 } as const;

/** Reads the header line; `missing` names the columns it lacks. Case, blanks and a byte order mark do not matter. */
export function parseCicidsHeader(
  line: string,
): { readonly ok: true; readonly header: CicidsHeader } | { readonly ok: false; readonly missing: string[] } {
  const names = line
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((column) => !names.includes(column.toLowerCase()));
  if (missing.length > 0) return { ok: false, missing };
  const positions = Object.fromEntries(
    COLUMNS.map((column) => [column, names.indexOf(column.toLowerCase())]),
  ) as CicidsHeader['positions'];
  return { ok: true, header: { fieldCount: names.length, positions } };
}

/**
 * Reads the lines after a header, which are all of one day; never throws on what a line holds.
 *
 * `bytes` are IP bytes of both directions, as a firewall counts them. CICFlowMeter gives payload (with the padding of
 * short Ethernet frames) and transport headers apart and leaves the IP header out; without them a handshake with data
 * would look smaller than a bare SYN, and no flow would count as established (isEstablishedTcp in record-facts.ts).
 * The source is whoever sent the first packet CICFlowMeter saw, so late packets of a connection make flows whose source
 * is the server.
 */
export function createCicidsLineReader({
  header,
  day,
}: {
  readonly header: CicidsHeader;
  readonly day: CicidsDay;
}): (line: string) => CicidsLine {
  const ends = new Int32Array(header.fieldCount + 1);
  const addressOf = createAddressReader();
  return (line) => {
    if (findFieldEnds(line, ends) !== header.fieldCount) return isBlank(line) ? EMPTY : wrongFields(header);
    const field = (column: CicidsColumn): string => {
      const position = header.positions[column];
      return line.slice(position === 0 ? 0 : ends[position - 1]! + 1, ends[position]).trim();
    };
    if (field('Source IP') === '' && isBlank(line)) return EMPTY;
    try {
      return { kind: 'flow', record: readRecord({ field, day, addressOf }), attack: readAttack(field) };
    } catch (thrown) {
      if (thrown instanceof FieldFault) return { kind: 'bad', reason: thrown.message };
      throw thrown;
    }
  };
}

const EMPTY: CicidsLine = { kind: 'empty' };

type FieldReader = (column: CicidsColumn) => string;

/** Carries a reason out of the readers of single fields; never leaves this file. */
class FieldFault extends Error {
  constructor(column: CicidsColumn, found: string, wanted: string) {
    super(`${column}: got ${JSON.stringify(found.slice(0, MAX_FOUND_CHARACTERS))}, wanted ${wanted}`);
  }
}

function isBlank(line: string): boolean {
  return /^[,\s]*$/.test(line);
}

function wrongFields({ fieldCount }: CicidsHeader): CicidsLine {
  return { kind: 'bad', reason: `not ${fieldCount} fields separated by commas` };
}

/** Writes where each field ends and returns how many there are; counts on beyond the room there is. */
function findFieldEnds(line: string, ends: Int32Array): number {
  let count = 0;
  for (let at = line.indexOf(','); at !== -1; at = line.indexOf(',', at + 1)) {
    ends[count] = at;
    count += 1;
  }
  ends[count] = line.length;
  return count + 1;
}

/**
 * Remembers the addresses met: a day has hundreds of thousands of flows of some thousand addresses. It gives back its
 * own copy, since a text cut out of a line keeps the whole piece of file alive that the line was cut out of.
 */
function createAddressReader(): (text: string) => string | null {
  const known = new Map<string, string>();
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const canonical = parseAddress(text)?.text ?? null;
    if (canonical !== null) known.set(canonical, canonical);
    return canonical;
  };
}

function readRecord({
  field,
  day,
  addressOf,
}: {
  readonly field: FieldReader;
  readonly day: CicidsDay;
  readonly addressOf: (text: string) => string | null;
}): CicidsRecord {
  const timestampMs = parseCicidsTimestamp(field('Timestamp'), day);
  if (timestampMs === null)
    throw new FieldFault('Timestamp', field('Timestamp'), `day/month/year hour:minute of ${day} 2017-07`);
  const protocol = PROTOCOL_NAMES.get(field('Protocol')) ?? null;
  return {
    timestampMs,
    sourceIp: readAddress(field, { column: 'Source IP', addressOf }),
    sourcePort: readCount(field, 'Source Port', MAX_PORT),
    destinationIp: readAddress(field, { column: 'Destination IP', addressOf }),
    destinationPort: readCount(field, 'Destination Port', MAX_PORT),
    protocol,
    action: 'accept',
    ...readVolume(field, protocol),
  };
}

function readAddress(
  field: FieldReader,
  { column, addressOf }: { readonly column: CicidsColumn; addressOf: (text: string) => string | null },
): string {
  const address = addressOf(field(column));
  if (address === null) throw new FieldFault(column, field(column), 'an IPv4 or IPv6 address');
  return address;
}

function readCount(field: FieldReader, column: CicidsColumn, max: number): number {
  const text = field(column);
  const value = Number(text);
  // Copies that went through a spreadsheet or pandas have 12.0 for 12.
  if (text === '' || !Number.isInteger(value) || value < 0 || value > max)
    throw new FieldFault(column, text, `a whole number from 0 to ${max}`);
  return value;
}

function readVolume(field: FieldReader, protocol: string | null): { bytes: number; packets: number } {
  const forward = readCount(field, 'Total Fwd Packets', MAX_PACKETS);
  const backward = readCount(field, 'Total Backward Packets', MAX_PACKETS);
  const payload =
    readCount(field, 'Total Length of Fwd Packets', Number.MAX_SAFE_INTEGER) +
    readCount(field, 'Total Length of Bwd Packets', Number.MAX_SAFE_INTEGER);
  const packets = forward + backward;
  const transport =
    protocol === 'tcp'
      ? tcpHeaderBytes(field('Fwd Header Length'), forward) +
        tcpHeaderBytes(field('Bwd Header Length'), backward)
      : protocol === 'udp'
        ? packets * UDP_HEADER_BYTES
        : 0;
  return { bytes: payload + transport + packets * IPV4_HEADER_BYTES, packets };
}

/**
 * The column where it can be true, else the least a TCP header has: some published rows hold -32212234632. For UDP it
 * is never believed: CICFlowMeter writes there what it saw last in a TCP packet (20 or 32 a packet, by turns).
 */
function tcpHeaderBytes(text: string, packets: number): number {
  const given = Number(text);
  const isPossible =
    given >= packets * TCP_HEADER_BYTES.least &&
    given <= packets * TCP_HEADER_BYTES.most &&
    Number.isInteger(given);
  return isPossible ? given : packets * TCP_HEADER_BYTES.least;
}

/**
 * `Web Attack – XSS` is written with a dash that is byte 0x96 of Windows-1252 in the published file, U+FFFD in copies
 * decoded as UTF-8, and – or - in others: all of them are one attack.
 */
function readAttack(field: FieldReader): string | null {
  const text = field('Label');
  if (text === '' || text.length > MAX_LABEL_CHARACTERS)
    throw new FieldFault('Label', text, `BENIGN or a name of at most ${MAX_LABEL_CHARACTERS} characters`);
  if (/^benign$/i.test(text)) return null;
  return text.replace(/\s*[^\x21-\x7e\s]+\s*|\s+-\s+/g, ' - ').replaceAll(/\s+/g, ' ');
}
