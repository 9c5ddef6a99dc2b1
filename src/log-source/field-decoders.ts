import { canonicalText } from '../ip/address.ts';

/** Decoders of single fields of binary COPY data; each takes the bytes, where the field begins and how long it is. */

/** 2000-01-01T00:00:00Z, PostgreSQL's epoch, in Unix milliseconds. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_POW_32 = 4_294_967_296;
const INFINITY_HIGH_WORD = 0x7fffffff;
const MINUS_INFINITY_HIGH_WORD = -0x80000000;

/** int64 microseconds since 2000-01-01 → Unix milliseconds with a fraction; null for ±infinity. */
export function timestampMs(bytes: Buffer, at: number): number | null {
  const high = int32(bytes, at);
  const low = int32(bytes, at + 4) >>> 0;
  if (high === INFINITY_HIGH_WORD && low === 0xffffffff) return null;
  if (high === MINUS_INFINITY_HIGH_WORD && low === 0) return null;
  return (high * TWO_POW_32 + low) / 1000 + POSTGRES_EPOCH_MS;
}

/** int2, int4 or int8, told apart by length. Beyond 2^53 the nearest double. */
export function integer(bytes: Buffer, at: number, length: number): number {
  if (length === 4) return int32(bytes, at);
  if (length === 8) return int32(bytes, at) * TWO_POW_32 + (int32(bytes, at + 4) >>> 0);
  if (length === 2) return bytes.readInt16BE(at);
  throw new Error(`an integer of ${length} bytes`);
}

/** float8 → nearest integer; null for NaN and ±infinity. */
export function roundedFloat(bytes: Buffer, at: number): number | null {
  const value = bytes.readDoubleBE(at);
  return Number.isFinite(value) ? Math.round(value) : null;
}

function int32(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Gives canonical text for an address field, or null where it is none. */
export type AddressDecoder = (bytes: Buffer, at: number, length: number) => string | null;

/** Family bytes of the inet type: AF_INET, and PostgreSQL's own for IPv6 (AF_INET + 1). */
const FAMILY_IPV4 = 2;
const FAMILY_IPV6 = 3;
const INET_HEADER_BYTES = 4;
const OCTETS = Array.from({ length: 256 }, (_, octet) => String(octet));

/**
 * inet and cidr: family, prefix length, is-cidr, address length, address. The prefix is ignored: a row is about one
 * host, and `10.1.2.3/8` in an inet column is host 10.1.2.3. The texts of up to `cacheLimit` addresses are kept, so
 * that a busy source is one string, not a million.
 */
export function inetDecoder(cacheLimit: number): AddressDecoder {
  const ipv4 = boundedCache(new Map<number, string | null>(), cacheLimit);
  const ipv6 = boundedCache(new Map<string, string | null>(), cacheLimit);
  return (bytes, at, length) => {
    const family = bytes[at];
    const address = at + INET_HEADER_BYTES;
    if (family === FAMILY_IPV4 && length === INET_HEADER_BYTES + 4) {
      return ipv4(int32(bytes, address), () => ipv4Text(bytes, address));
    }
    if (family === FAMILY_IPV6 && length === INET_HEADER_BYTES + 16) {
      return ipv6(bytes.toString('latin1', address, address + 16), () => ipv6Text(bytes, address));
    }
    throw new Error(`an inet value of family ${family} and ${length} bytes`);
  };
}

/** Addresses in a text column; a prefix is ignored as in inet, anything unreadable is null. */
export function textAddressDecoder(cacheLimit: number): AddressDecoder {
  const cache = boundedCache(new Map<string, string | null>(), cacheLimit);
  return (bytes, at, length) => {
    const text = bytes.toString('latin1', at, at + length);
    return cache(text, () => canonicalText(text.trim().replace(/\/\d{1,3}$/, '')));
  };
}

function ipv4Text(bytes: Buffer, at: number): string {
  return `${OCTETS[bytes[at]!]}.${OCTETS[bytes[at + 1]!]}.${OCTETS[bytes[at + 2]!]}.${OCTETS[bytes[at + 3]!]}`;
}

function ipv6Text(bytes: Buffer, at: number): string | null {
  const groups = [];
  for (let group = 0; group < 16; group += 2) groups.push(bytes.readUInt16BE(at + group).toString(16));
  return canonicalText(groups.join(':'));
}

/** Forgets everything when full: a bound without bookkeeping, and a full sweep of new addresses gains from no cache. */
function boundedCache<K>(
  known: Map<K, string | null>,
  limit: number,
): (key: K, make: () => string | null) => string | null {
  return (key, make) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= limit) known.clear();
    const made = make();
    known.set(key, made);
    return made;
  };
}

/** Words longer than this are cut: a protocol or action is never that long, and the log's writer must not fill our memory. */
const MAX_WORD_BYTES = 64;
const MAX_KNOWN_WORDS = 32;

/**
 * Short words that repeat (protocol, action): lower case, trimmed, null when empty. Compared bytewise with the few
 * words seen before, because making a string per row costs more than everything else in it.
 */
export function wordDecoder(): (bytes: Buffer, at: number, length: number) => string | null {
  const known: { readonly bytes: Buffer; readonly word: string | null }[] = [];
  return (bytes, at, length) => {
    const end = at + Math.min(length, MAX_WORD_BYTES);
    for (const entry of known) {
      if (sameBytes({ entry: entry.bytes, bytes, at, end })) return entry.word;
    }
    const own = Buffer.from(bytes.subarray(at, end));
    const trimmed = own.toString('utf8').trim().toLowerCase();
    const word = trimmed === '' ? null : trimmed;
    if (known.length < MAX_KNOWN_WORDS) known.push({ bytes: own, word });
    return word;
  };
}

function sameBytes({
  entry,
  bytes,
  at,
  end,
}: {
  entry: Buffer;
  bytes: Buffer;
  at: number;
  end: number;
}): boolean {
  if (entry.length !== end - at) return false;
  for (let index = 0; index < entry.length; index += 1) {
    if (entry[index] !== bytes[at + index]) return false;
  }
  return true;
}
