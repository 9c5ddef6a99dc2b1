import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCopyBinaryDecoder } from '../../src/log-source/copy-binary-decoder.ts';

type Field = Buffer | null;

/** The format as the manual of COPY describes it, written independently of the decoder. */
function encode(rows: readonly (readonly Field[])[], extension = Buffer.alloc(0)): Buffer {
  const int = (value: number, bytes: 2 | 4): Buffer => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeIntBE(value, 0, bytes);
    return buffer;
  };
  const body = rows.map((fields) =>
    Buffer.concat([
      int(fields.length, 2),
      ...fields.map((field) => (field === null ? int(-1, 4) : Buffer.concat([int(field.length, 4), field]))),
    ]),
  );
  const header = [
    Buffer.from('5047434f50590aff0d0a00', 'hex'),
    int(0, 4),
    int(extension.length, 4),
    extension,
  ];
  return Buffer.concat([...header, ...body, int(-1, 2)]);
}

function decode(pieces: readonly Buffer[], fieldCount: number): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const decoder = createCopyBinaryDecoder({
    fieldCount,
    onRow: (bytes, offsets, lengths) => {
      rows.push(
        Array.from(offsets, (offset, field) =>
          lengths[field]! < 0 ? null : bytes.toString('hex', offset, offset + lengths[field]!),
        ),
      );
    },
  });
  for (const piece of pieces) decoder.push(piece);
  decoder.end();
  return rows;
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe('the binary COPY decoder', () => {
  it('gives the same rows however the bytes are cut', () => {
    const field = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(field, field, field), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 12 }),
        fc.uint8Array({ maxLength: 9 }),
        (rows, sizes, extension) => {
          const bytes = encode(rows, Buffer.from(extension));
          const expected = rows.map((fields) => fields.map((value) => value?.toString('hex') ?? null));
          expect(decode(cut(bytes, sizes), 3)).toEqual(expected);
          expect(decode([bytes], 3)).toEqual(expected);
        },
      ),
    );
  });

  it('tells an empty field from a null', () => {
    expect(decode([encode([[Buffer.alloc(0), null]])], 2)).toEqual([['', null]]);
  });

  it('says when the data stops in the middle, wherever that is', () => {
    const bytes = encode([[Buffer.from('abc')], [null]]);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decode([bytes.subarray(0, length)], 1)).toThrow('ended in the middle');
    }
  });

  it.each([
    ['no COPY data', Buffer.from('timestamp,source_ip,destination_ip\n'), 'does not begin'],
    ['another number of fields', encode([[null, null]]), 'has 2 fields, not 1'],
    ['bytes after the end', Buffer.concat([encode([]), Buffer.from([0])]), 'goes on after its end mark'],
    [
      'a negative length',
      Buffer.concat([encode([]).subarray(0, 19), Buffer.from('0001fffffffe', 'hex')]),
      'length -2',
    ],
    [
      'unknown critical flags',
      Buffer.concat([encode([]).subarray(0, 11), Buffer.from('0001000000000000', 'hex')]),
      'flags',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decode([bytes], 1)).toThrow(message);
  });
});
