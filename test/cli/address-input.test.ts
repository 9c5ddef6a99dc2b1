import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAddresses } from '../../src/cli/blocks/address-input.ts';
import type { Input } from '../../src/cli/command.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-addresses-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const noInput = (): Input => {
  throw new Error('nobody asked for standard input');
};

function fromFile(content: string | Buffer, operands: readonly string[] = []): Promise<string[]> {
  const file = join(directory, 'list.txt');
  writeFileSync(file, content);
  return readAddresses({ operands, file, input: noInput });
}

function fromInput(pieces: Iterable<Buffer>, operands: readonly string[] = []): Promise<string[]> {
  return readAddresses({ operands, file: '-', input: () => Readable.from(pieces) });
}

describe('the addresses an operator names', () => {
  it('come from the command line alone without touching standard input', async () => {
    expect(
      await readAddresses({ operands: ['203.0.113.7', '2001:DB8::1'], file: undefined, input: noInput }),
    ).toEqual(['203.0.113.7', '2001:db8::1']);
  });

  it('come from a file with comments, blank lines, CRLF and a byte order mark, each once, in order', async () => {
    const text =
      '\u{feff}# today\r\n203.0.113.7\r\n\r\n 198.51.100.9/24 ; SBL1 # x\r\n;\r\n203.0.113.7 # again\r\n2001:db8::/64';
    expect(await fromFile(text, ['198.51.100.0/24'])).toEqual([
      '198.51.100.0/24',
      '203.0.113.7',
      '2001:db8::/64',
    ]);
  });

  it('come from a gzipped file too', async () => {
    expect(await fromFile(gzipSync('203.0.113.7\n203.0.113.8\n'))).toEqual(['203.0.113.7', '203.0.113.8']);
  });

  it('are the same however standard input is cut into pieces', async () => {
    const text = Buffer.from('\u{feff}203.0.113.7\r\n# Łódź\n2001:db8::a\n198.51.100.0/24 ; é\n');
    const cuts = fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const edges = [0, ...places.toSorted((a, b) => a - b), text.length];
        const pieces = edges.slice(1).map((end, index) => text.subarray(edges[index], end));
        expect(await fromInput(pieces)).toEqual(['203.0.113.7', '2001:db8::a', '198.51.100.0/24']);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('are all refused when one is none: with line number and text, those of the command line too', async () => {
    await expect(fromFile('203.0.113.7\nexample.net # no name\n', ['10.1'])).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
      message: 'not an address or network: "10.1", line 2: "example.net"',
    });
  });

  it('name the first twenty bad lines and how many there are, without what would steer the terminal', async () => {
    const lines = Array.from({ length: 500 }, (_, index) => `203.0.113.${index}\u001b[31m`);
    const { message } = await fromFile(lines.join('\n')).then(
      () => new Error('not refused'),
      (thrown: unknown) => thrown as Error,
    );
    const rows = message.split('\n');
    expect(rows[0]).toBe('not an address or network: 500 of them; nothing was done');
    expect(rows).toHaveLength(22);
    expect(rows[1]).toBe('  line 1: "203.0.113.0 [31m"');
    expect(rows[20]).toMatch(/^ {2}line 20: /);
    expect(rows[21]).toBe('  and 480 more');
    expect(message).not.toContain('\u001b');
  });

  it('may fill a million lines and no more: an endless input ends with an error', async () => {
    const piece = Buffer.from('203.0.113.7\n'.repeat(1000));
    const pieces = (count: number): Iterable<Buffer> => Array.from({ length: count }, () => piece);
    expect(await fromInput(pieces(1000))).toEqual(['203.0.113.7']);
    await expect(
      fromInput(
        (function* () {
          for (;;) yield piece;
        })(),
      ),
    ).rejects.toMatchObject({
      code: 'INPUT_FILE',
      message: 'standard input has more than 1000000 lines: nothing was done',
    });
  });

  it('cannot be one line that never ends', async () => {
    const endless = (function* () {
      for (;;) yield Buffer.alloc(65_536, 0x31);
    })();
    await expect(fromInput(endless)).rejects.toMatchObject({
      code: 'INPUT_FILE',
      message: expect.stringContaining('standard input cannot be read: line 1 never ends') as string,
    });
  });

  it.each([
    { text: '', why: 'an empty list' },
    { text: '# nothing today\n\n', why: 'a list of comments' },
  ])('are missing in $why: a usage error, not a success', async ({ text }) => {
    await expect(fromInput([Buffer.from(text)])).rejects.toMatchObject({
      code: 'USAGE',
      message: 'blocks: no address given on the command line or in standard input',
    });
  });

  it('cannot come from a file that is not there', async () => {
    const file = join(directory, 'absent.txt');
    await expect(readAddresses({ operands: ['203.0.113.7'], file, input: noInput })).rejects.toMatchObject({
      code: 'INPUT_FILE',
    });
  });
});
