/**
 * A quick reader for the two forms nearly every address comes in: dotted decimal and plain IPv6 groups. A router's
 * list of 30,000 entries is read at every sync, and the library takes 20 µs for each IPv6. Anything unusual (mapped
 * IPv4, dotted tails, zone ids, odd digits) is answered with null and left to the library: null is no verdict.
 */

/** 4 bytes of `203.0.113.7`; leading zeros and shortened forms are null. */
export function plainIpv4Bytes(text: string): number[] | null {
  const bytes: number[] = [];
  let value = -1;
  for (let index = 0; index <= text.length; index += 1) {
    const code = index === text.length ? DOT : text.charCodeAt(index);
    if (code === DOT) {
      if (value < 0) return null;
      bytes.push(value);
      value = -1;
    } else {
      if (code < ZERO || code > NINE || value === 0) return null;
      value = (value < 0 ? 0 : value * 10) + code - ZERO;
      if (value > 255) return null;
    }
  }
  return bytes.length === 4 ? bytes : null;
}

/** 16 bytes of `2001:db8::1`; null for addresses that carry an IPv4 address (::ffff:0:0/96). */
export function plainIpv6Bytes(text: string): number[] | null {
  const gap = text.indexOf('::');
  const head = groupsOf(text, 0, gap === -1 ? text.length : gap);
  const tail = gap === -1 ? [] : groupsOf(text, gap + 2, text.length);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (gap === -1 ? missing !== 0 : missing < 1) return null;
  const bytes = new Array<number>(16).fill(0);
  head.forEach((group, index) => {
    writeGroup(bytes, index, group);
  });
  tail.forEach((group, index) => {
    writeGroup(bytes, head.length + missing + index, group);
  });
  return carriesIpv4(bytes) ? null : bytes;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups shortened. */
export function ipv6Text(bytes: readonly number[]): string {
  const run = longestZeroRun(bytes);
  if (run.length < 2) return hexText(bytes, 0, 8);
  return `${hexText(bytes, 0, run.start)}::${hexText(bytes, run.start + run.length, 8)}`;
}

const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const LOWER_A = 97;
const LOWER_F = 102;
/** Set, it turns an upper-case letter into a lower-case one and leaves digits as they are. */
const LOWER_CASE_BIT = 0x20;

/** The 16-bit groups between two positions; null on anything but 1-4 hex digits between single colons. */
function groupsOf(text: string, start: number, end: number): number[] | null {
  const groups: number[] = [];
  if (start === end) return groups;
  let value = 0;
  let digits = 0;
  for (let index = start; index <= end; index += 1) {
    const code = index === end ? COLON : text.charCodeAt(index);
    if (code === COLON) {
      if (digits === 0) return null;
      groups.push(value);
      value = 0;
      digits = 0;
    } else {
      const digit = hexDigit(code);
      if (digit === null || digits === 4) return null;
      value = value * 16 + digit;
      digits += 1;
    }
  }
  return groups;
}

function hexDigit(code: number): number | null {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const letter = code | LOWER_CASE_BIT;
  return letter >= LOWER_A && letter <= LOWER_F ? letter - LOWER_A + 10 : null;
}

function writeGroup(bytes: number[], position: number, group: number): void {
  bytes[position * 2] = group >> 8;
  bytes[position * 2 + 1] = group & 0xff;
}

function carriesIpv4(bytes: readonly number[]): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.slice(0, 10).every((byte) => byte === 0);
}

function longestZeroRun(bytes: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (let index = 0; index < 8; index += 1) {
    length = groupAt(bytes, index) === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}

function hexText(bytes: readonly number[], start: number, end: number): string {
  let text = '';
  for (let index = start; index < end; index += 1) {
    text += (index === start ? '' : ':') + groupAt(bytes, index).toString(16);
  }
  return text;
}

function groupAt(bytes: readonly number[], position: number): number {
  return bytes[position * 2]! * 256 + bytes[position * 2 + 1]!;
}
