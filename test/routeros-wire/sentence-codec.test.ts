import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSentenceDecoder,
  createSentenceWriter,
  encodeLength,
  encodeSentence,
  MAX_WORD_BYTES,
} from '../../src/routeros-wire/sentence-codec.ts';

/** Words of every length form that fits a test, rich in characters of several bytes. */
const word = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }) },
  { weight: 2, arbitrary: fc.integer({ min: 120, max: 140 }).map((size) => 'ź'.repeat(size)) },
  { weight: 1, arbitrary: fc.integer({ min: 16_370, max: 16_400 }).map((size) => 'w'.repeat(size)) },
);
const sentences = fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });

describe('word lengths', () => {
  // Boundaries and bytes from the table in the manual ("API", "API words").
  it.each([
    [0, [0x00]],
    [0x7f, [0x7f]],
    [0x80, [0x80, 0x80]],
    [0x3fff, [0xbf, 0xff]],
    [0x4000, [0xc0, 0x40, 0x00]],
    [0x1fffff, [0xdf, 0xff, 0xff]],
    [0x200000, [0xe0, 0x20, 0x00, 0x00]],
    [0xfffffff, [0xef, 0xff, 0xff, 0xff]],
    [0x10000000, [0xf0, 0x10, 0x00, 0x00, 0x00]],
    [0xffffffff, [0xf0, 0xff, 0xff, 0xff, 0xff]],
  ])('writes %i in its shortest form', (length, bytes) => {
    expect(encodeLength(length)).toEqual(bytes);
  });

  it.each([-1, 1.5, 0x100000000, Number.NaN])('refuses %d', (length) => {
    expect(() => encodeLength(length)).toThrow(RangeError);
  });
});

describe('sentences', () => {
  it('puts each word behind its length and ends with a zero, as in the manual', () => {
    expect([...encodeSentence(['/login', '=a=b'])]).toEqual([
      6,
      ...Buffer.from('/login'),
      4,
      ...Buffer.from('=a=b'),
      0,
    ]);
  });

  it('refuses an empty word, which would end the sentence early', () => {
    expect(() => encodeSentence(['/print', ''])).toThrow(RangeError);
  });

  it('counts bytes, not characters', () => {
    expect([...encodeSentence(['Łódź'])]).toEqual([7, ...Buffer.from('Łódź', 'utf8'), 0]);
  });

  it('come out as they went in, however the bytes are cut', () => {
    const cuts = fc.infiniteStream(
      fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 1460 })),
    );
    fc.assert(
      fc.property(sentences, cuts, (given, sizes) => {
        const bytes = Buffer.concat(given.map((words) => encodeSentence(words)));
        const decoder = createSentenceDecoder();
        const received: string[][] = [];
        for (let offset = 0; offset < bytes.length; ) {
          const size = sizes.next().value as number;
          received.push(...decoder.push(bytes.subarray(offset, offset + size)));
          offset += size;
        }
        expect(received).toEqual(given);
      }),
      { numRuns: 2000 },
    );
  });

  it('are delivered with their last byte, not with the next sentence', () => {
    const bytes = encodeSentence(['!done', '.tag=7']);
    const decoder = createSentenceDecoder();
    expect(decoder.push(bytes.subarray(0, -1))).toEqual([]);
    expect(decoder.push(bytes.subarray(-1))).toEqual([['!done', '.tag=7']]);
  });

  it('of no words are passed over', () => {
    expect(createSentenceDecoder().push(Uint8Array.of(0, 0, 1, 0x41, 0))).toEqual([['A']]);
  });

  it('keep a byte order mark and survive bytes that are not UTF-8', () => {
    expect(createSentenceDecoder().push(encodeSentence(['\uFEFFx']))).toEqual([['\uFEFFx']]);
    expect(createSentenceDecoder().push(Uint8Array.of(2, 0x41, 0xff, 0))).toEqual([['A\uFFFD']]);
  });

  it.each([0xf1, 0xf7, 0xf8, 0xff])('stop at the reserved first byte 0x%x', (byte) => {
    expect(() => createSentenceDecoder().push(Uint8Array.of(byte))).toThrow(/reserved/);
  });

  it('read the five-byte form, and refuse a word no honest peer would send', () => {
    const decoder = createSentenceDecoder();
    expect(decoder.push(Uint8Array.of(0xf0, 0, 0, 0, 1, 0x41, 0))).toEqual([['A']]);
    expect(() => decoder.push(Uint8Array.of(...encodeLength(MAX_WORD_BYTES + 1)))).toThrow(RangeError);
  });
});

describe('many sentences written into one piece', () => {
  it('are the same bytes as one by one, whatever the words', () => {
    fc.assert(
      fc.property(sentences, (given) => {
        const writer = createSentenceWriter();
        for (const words of given) {
          for (const text of words) writer.word(text);
          writer.end();
        }
        const oneByOne = Buffer.concat(given.map((words) => encodeSentence(words)));
        expect(Buffer.compare(writer.bytes(), oneByOne)).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('hold no empty word', () => {
    expect(() => {
      createSentenceWriter().word('');
    }).toThrow(RangeError);
  });
});
