import { describe, expect, it } from 'vitest';
import {
  inetDecoder,
  integer,
  roundedFloat,
  textAddressDecoder,
  timestampMs,
  wordDecoder,
} from '../../src/log-source/field-decoders.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('field decoders', () => {
  it('reads timestamps as microseconds since 2000, before and after it', () => {
    expect(timestampMs(hex('0000000000000000'), 0)).toBe(Date.UTC(2000, 0, 1));
    expect(timestampMs(hex('0000000000000001'), 0)).toBe(Date.UTC(2000, 0, 1) + 0.001);
    expect(timestampMs(hex('fffffffffff0bdc0'), 0)).toBe(Date.UTC(1999, 11, 31, 23, 59, 59));
    expect(timestampMs(hex('7fffffffffffffff'), 0)).toBeNull();
    expect(timestampMs(hex('8000000000000000'), 0)).toBeNull();
  });

  it('reads integers of two, four and eight bytes', () => {
    expect(integer(hex('ffff'), 0, 2)).toBe(-1);
    expect(integer(hex('00 0001bb'), 0 + 0, 4)).toBe(443);
    expect(integer(hex('0000000200000000'), 0, 8)).toBe(8_589_934_592);
    expect(integer(hex('ffffffffffffffff'), 0, 8)).toBe(-1);
    expect(integer(hex('00000000ffffffff'), 0, 8)).toBe(4_294_967_295);
  });

  it('rounds floats and gives null where there is no number', () => {
    expect(roundedFloat(hex('4000cccccccccccd'), 0)).toBe(2);
    expect(roundedFloat(hex('7ff8000000000000'), 0)).toBeNull();
    expect(roundedFloat(hex('7ff0000000000000'), 0)).toBeNull();
  });

  it('reads inet values as hosts in canonical text', () => {
    const decode = inetDecoder(10);
    const read = (text: string): string | null => decode(hex(text), 0, hex(text).length);
    expect(read('02 20 00 04 cb007107')).toBe('203.0.113.7');
    expect(read('02 08 00 04 0a010203')).toBe('10.1.2.3');
    expect(read('02 18 01 04 c0000200')).toBe('192.0.2.0');
    expect(read('03 80 00 10 20010db8000000000000000000000001')).toBe('2001:db8::1');
    expect(read('03 80 00 10 00000000000000000000ffffc0000201')).toBe('192.0.2.1');
    expect(() => read('07 20 00 04 cb007107')).toThrow('family 7');
  });

  it('gives the same answers when its memory of addresses overflows', () => {
    const decode = inetDecoder(2);
    const address = (last: number): Buffer => Buffer.from([2, 32, 0, 4, 10, 0, 0, last]);
    const order = [1, 2, 3, 1, 2, 3, 3, 1];
    expect(order.map((last) => decode(address(last), 0, 8))).toEqual(order.map((last) => `10.0.0.${last}`));
  });

  it('reads addresses kept as text, and says which are none', () => {
    const decode = textAddressDecoder(10);
    const read = (text: string): string | null => decode(Buffer.from(text), 0, text.length);
    expect(read(' 203.0.113.7 ')).toBe('203.0.113.7');
    expect(read('10.1.2.3/8')).toBe('10.1.2.3');
    expect(read('2001:DB8::0:1')).toBe('2001:db8::1');
    expect(read('gateway.local')).toBeNull();
    expect(read('gateway.local')).toBeNull();
    expect(read('')).toBeNull();
  });

  it('lower-cases words, cuts endless ones and forgets none', () => {
    const decode = wordDecoder();
    const read = (text: string): string | null => decode(Buffer.from(text), 0, Buffer.byteLength(text));
    for (let turn = 0; turn < 2; turn += 1) {
      for (let index = 0; index < 50; index += 1) expect(read(`Word${index}`)).toBe(`word${index}`);
    }
    expect(read(' TCP ')).toBe('tcp');
    expect(read('   ')).toBeNull();
    expect(read('x'.repeat(1_000_000))).toBe('x'.repeat(64));
  });
});
