import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlowLine, parseFlowHeader, parseFlowLine } from '../../src/evaluation/flow-csv.ts';

const HEADER =
  'timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets,label,attack,dataset';
const columns = parseFlowHeader(HEADER);
const LINE = '2022-06-12T22:00:09.953394Z,167.94.138.99,7789,147.32.83.165,445,tcp,accept,88,2,1,scan,s011';

/** LINE with one column changed. */
function lineWith(column: string, text: string): FlowLine {
  const fields = LINE.split(',');
  fields[HEADER.split(',').indexOf(column)] = text;
  return parseFlowLine(fields.join(','), columns);
}

describe('parseFlowHeader', () => {
  it('finds columns in any order, case and company', () => {
    const shuffled = parseFlowHeader(
      '\uFEFFpackets, Bytes ,x,ACTION,protocol,destination_port,destination_ip,source_port,source_ip,timestamp\r\n',
    );
    const parsed = parseFlowLine(
      '2,88,?,accept,tcp,445,147.32.83.165,7789,167.94.138.99,2022-06-12T22:00:09Z',
      shuffled,
    );
    expect(parsed).toMatchObject({
      ok: true,
      record: { sourceIp: '167.94.138.99', destinationPort: 445, bytes: 88, packets: 2 },
      label: null,
      attack: null,
      dataset: null,
    });
  });

  it('names every missing column', () => {
    expect(() => parseFlowHeader('timestamp,source_ip,destination_ip,protocol,action,bytes,packets')).toThrow(
      expect.objectContaining({
        code: 'INPUT_FILE',
        message: 'The header line lacks the columns source_port, destination_port.',
      }),
    );
    expect(() => parseFlowHeader('')).toThrow(/timestamp, source_ip/);
  });

  it('refuses a column that occurs twice', () => {
    expect(() => parseFlowHeader(`${HEADER},bytes`)).toThrow(/twice the columns bytes/);
  });
});

describe('parseFlowLine', () => {
  it('reads a labelled flow', () => {
    expect(parseFlowLine(LINE, columns)).toEqual({
      ok: true,
      record: {
        timestampMs: 1_655_071_209_953.394,
        sourceIp: '167.94.138.99',
        sourcePort: 7789,
        destinationIp: '147.32.83.165',
        destinationPort: 445,
        protocol: 'tcp',
        action: 'accept',
        bytes: 88,
        packets: 2,
      },
      label: 1,
      attack: 'scan',
      dataset: 's011',
    });
  });

  it('reads empty fields as null', () => {
    const line = '2022-06-12T22:00:09Z,10.0.0.1,,10.0.0.2,,,,,,,,';
    expect(parseFlowLine(line, columns)).toEqual({
      ok: true,
      record: {
        timestampMs: 1_655_071_209_000,
        sourceIp: '10.0.0.1',
        sourcePort: null,
        destinationIp: '10.0.0.2',
        destinationPort: null,
        protocol: null,
        action: null,
        bytes: null,
        packets: null,
      },
      label: null,
      attack: null,
      dataset: null,
    });
  });

  it('makes addresses canonical and names lower case', () => {
    const line = '2022-06-12T22:00:09Z,2001:DB8:0:0::1,1,::ffff:203.0.113.7,2,TCP,Drop,0,1,0,,\r\n';
    expect(parseFlowLine(line, columns)).toMatchObject({
      ok: true,
      record: { sourceIp: '2001:db8::1', destinationIp: '203.0.113.7', protocol: 'tcp', action: 'drop' },
      label: 0,
    });
  });

  it('takes type and code of ICMP from the port columns', () => {
    const line = '2022-09-29T15:06:12.711412Z,172.16.1.11,3,172.16.1.30,3,icmp,accept,56,1,1,nmap-scan,x';
    expect(parseFlowLine(line, columns)).toMatchObject({
      ok: true,
      record: { sourcePort: 3, destinationPort: 3, protocol: 'icmp' },
    });
  });

  it('reads quoted fields with commas and doubled quotes', () => {
    expect(lineWith('attack', '"C&C, ""beacon"""')).toMatchObject({ ok: true, attack: 'C&C, "beacon"' });
  });

  it.each([
    ['timestamp', '2022-06-12T22:00:09'],
    ['source_ip', '10.0.0.300'],
    ['source_ip', ''],
    ['destination_ip', '10.0.0.0/24'],
    ['source_port', '65536'],
    ['destination_port', '-1'],
    ['bytes', '1e5'],
    ['bytes', '9007199254740993'],
    ['packets', '2147483648'],
    ['packets', '1.5'],
    ['label', '2'],
    ['protocol', 'x'.repeat(33)],
  ])('says which column is wrong and what stood there: %s %s', (column, text) => {
    expect(lineWith(column, text)).toMatchObject({ ok: false, reason: { column, found: text } });
  });

  it.each(['', 'a,b', `${LINE},more`, LINE.replace('scan', '"scan'), LINE.replace('scan', 's"can')])(
    'refuses a line that does not fit the header: %s',
    (line) => {
      expect(parseFlowLine(line, columns)).toMatchObject({ ok: false, reason: { column: 'line' } });
    },
  );

  it('never throws and never keeps more than a piece of a bad line', () => {
    const anything = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.array(fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom(...LINE.split(','))), {
        minLength: 12,
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(anything, (input) => {
        const parsed = parseFlowLine(typeof input === 'string' ? input : input.join(','), columns);
        if (!parsed.ok) expect(parsed.reason.found.length).toBeLessThanOrEqual(80);
      }),
      { numRuns: 2000 },
    );
  });
});

const FLOWS = join(import.meta.dirname, '../../../shared/data/flows');
const present = existsSync(FLOWS);
if (!present) process.stderr.write(`skipped: no real flow files in ${FLOWS}\n`);

describe.skipIf(!present)('real flow files', () => {
  // Rows and label counts as the README beside the files states them.
  it.each([
    ['stratosphere_011_exposed_host', 9048, 3951, 5097],
    ['iot23_8-1', 10403, 8222, 2181],
    ['iot23_5-1', 1374, 0, 1374],
    ['cisco_asa_deny', 159, 159, 0],
    ['stratosphere_007_ssh_honeypot', 8528, 8528, 0],
  ])('every line of %s is a flow', (name, rows, attacks, benign) => {
    const text = gunzipSync(readFileSync(join(FLOWS, `${name}.csv.gz`))).toString('utf8');
    const [header, ...lines] = text.trimEnd().split('\n');
    const found = parseFlowHeader(header!);
    const parsed = lines.map((line) => parseFlowLine(line, found));
    expect(parsed.filter((line) => !line.ok)).toEqual([]);
    const labels = parsed.map((line) => (line.ok ? line.label : null));
    expect([
      labels.length,
      labels.filter((l) => l === 1).length,
      labels.filter((l) => l === 0).length,
    ]).toEqual([rows, attacks, benign]);
    const times = parsed.map((line) => (line.ok ? line.record.timestampMs : Number.NaN));
    expect(times.every((time, i) => i === 0 || time >= times[i - 1]!)).toBe(true);
  });
});
