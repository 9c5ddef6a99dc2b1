/**
 * The RouterOS API's framing: a sentence is a run of length-prefixed words ended by a zero-length word.
 * Source: MikroTik manual, "API", sections "API words" and "API sentences". Pure: bytes in, words out; both the
 * router session and the simulator stand on it.
 */

/** Above this a word cannot be an honest one; without a bound five bytes could make us reserve 4 GiB. */
export const MAX_WORD_BYTES = 16 * 1024 * 1024;

/** Turns received pieces, cut anywhere, into whole sentences. One decoder per connection. */
export interface SentenceDecoder {
  /** Sentences completed by `piece`, in order. Throws RangeError on bytes that are no length; the stream is then lost. */
  push(piece: Uint8Array): string[][];
}

/**
 * Length prefix of a word of `length` bytes: 1 to 5 bytes, big endian, the leading one-bits telling how many.
 * Throws RangeError outside 0..2^32-1.
 */
export function encodeLength(length: number): number[] {
  if (!Number.isInteger(length) || length < 0 || length > 0xffffffff) {
    throw new RangeError(`not a word length: ${length}`);
  }
  const low = length & 0xff;
  const second = (length >>> 8) & 0xff;
  const third = (length >>> 16) & 0xff;
  const high = length >>> 24;
  if (length < 0x80) return [low];
  if (length < 0x4000) return [second | 0x80, low];
  if (length < 0x200000) return [third | 0xc0, second, low];
  if (length < 0x10000000) return [high | 0xe0, third, second, low];
  return [0xf0, high, third, second, low];
}

/** One sentence on the wire, UTF-8. Throws RangeError on an empty word, which would end the sentence early. */
export function encodeSentence(words: readonly string[]): Uint8Array {
  const sizes = words.map((word) => {
    if (word === '') throw new RangeError('an empty word would end the sentence early');
    return Buffer.byteLength(word);
  });
  const prefixes = sizes.map(encodeLength);
  const total = sizes.reduce((sum, size, index) => sum + size + prefixes[index]!.length, 1);
  const sentence = Buffer.alloc(total);
  let offset = 0;
  words.forEach((word, index) => {
    sentence.set(prefixes[index]!, offset);
    offset += prefixes[index]!.length;
    offset += sentence.write(word, offset);
  });
  return sentence;
}

/** Puts many sentences into one piece of memory: a list of 30,000 rows has 250,000 words. */
export interface SentenceWriter {
  /** Adds a word, UTF-8. Throws RangeError on an empty one. */
  word(text: string): void;
  /** Ends the sentence. */
  end(): void;
  /** All that was written so far; valid until the next word. */
  bytes(): Uint8Array;
}

/** A character takes at most 3 bytes of UTF-8, so that words up to this have a prefix of one byte, whatever they hold. */
const SHORT_WORD = Math.floor(0x7f / 3);
const LONGEST_PREFIX = 5;

export function createSentenceWriter(): SentenceWriter {
  let buffer = Buffer.allocUnsafe(256);
  let offset = 0;

  function reserve(bytes: number): void {
    if (offset + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, offset + bytes));
    buffer.copy(larger, 0, 0, offset);
    buffer = larger;
  }

  function word(text: string): void {
    if (text === '') throw new RangeError('an empty word would end the sentence early');
    reserve(text.length * 3 + LONGEST_PREFIX);
    if (text.length <= SHORT_WORD) {
      const size = buffer.write(text, offset + 1);
      buffer[offset] = size;
      offset += size + 1;
      return;
    }
    for (const byte of encodeLength(Buffer.byteLength(text))) buffer[offset++] = byte;
    offset += buffer.write(text, offset);
  }

  function end(): void {
    reserve(1);
    buffer[offset++] = 0;
  }

  return { word, end, bytes: () => buffer.subarray(0, offset) };
}

export function createSentenceDecoder(): SentenceDecoder {
  let words: string[] = [];
  let length = 0;
  let lengthBytesLeft = 0;
  // The word under way; its text is decoded only when whole, so that no character is ever cut in two.
  let partial: Buffer | null = null;
  let filled = 0;

  function takeLengthByte(byte: number): boolean {
    if (lengthBytesLeft === 0) [length, lengthBytesLeft] = readFirstLengthByte(byte);
    else {
      length = length * 256 + byte;
      lengthBytesLeft -= 1;
    }
    if (lengthBytesLeft === 0 && length > MAX_WORD_BYTES) {
      throw new RangeError(`a word of ${length} bytes is announced, more than ${MAX_WORD_BYTES}`);
    }
    return lengthBytesLeft === 0;
  }

  /** Bytes that are not UTF-8 become U+FFFD: one entry commented in another code page must not end the session. */
  function takeWordBytes(piece: Buffer, offset: number): number {
    if (partial === null && piece.length - offset >= length) {
      // No view of the bytes is made for each word: a list of 30,000 entries has a quarter of a million of them.
      words.push(piece.toString('utf8', offset, offset + length));
      return offset + length;
    }
    partial ??= Buffer.alloc(length);
    const taken = piece.copy(partial, filled, offset, offset + length - filled);
    filled += taken;
    if (filled === length) {
      words.push(partial.toString('utf8'));
      partial = null;
      filled = 0;
    }
    return offset + taken;
  }

  function push(received: Uint8Array): string[][] {
    const piece = Buffer.from(received.buffer, received.byteOffset, received.byteLength);
    const sentences: string[][] = [];
    let offset = 0;
    while (offset < piece.length) {
      if (partial !== null) {
        offset = takeWordBytes(piece, offset);
        continue;
      }
      const lengthKnown = takeLengthByte(piece[offset]!);
      offset += 1;
      if (!lengthKnown) continue;
      if (length > 0) {
        // Even when the piece ends here: this is what remembers that the next byte belongs to a word.
        offset = takeWordBytes(piece, offset);
        continue;
      }
      if (words.length > 0) sentences.push(words);
      words = [];
    }
    return sentences;
  }

  return { push };
}

/** Value bits of the first byte and how many length bytes follow it. 0xF8 and above are reserved, 0xF1-0xF7 undefined. */
function readFirstLengthByte(byte: number): [value: number, bytesLeft: number] {
  if (byte < 0x80) return [byte, 0];
  if (byte < 0xc0) return [byte & 0x3f, 1];
  if (byte < 0xe0) return [byte & 0x1f, 2];
  if (byte < 0xf0) return [byte & 0x0f, 3];
  if (byte === 0xf0) return [0, 4];
  throw new RangeError(`0x${byte.toString(16)} is a reserved control byte, not a word length`);
}
