import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type CicidsLine,
  type CicidsRecord,
  createCicidsLineReader,
  parseCicidsHeader,
} from '../../src/evaluation/cicids2017-line.ts';
import { parseFlowHeader, parseFlowLine } from '../../src/evaluation/flow-csv.ts';
import { isEstablishedTcp } from '../../src/features/record-facts.ts';
import {
  CICIDS_HEADER,
  type CicidsFields,
  cicidsLine,
  EMPTY_CICIDS_LINE,
} from '../support/cicids2017-line.ts';
import { sharedDataMissing, sharedFlows } from '../support/shared-data.ts';

function readerOf(headerLine: string): (line: string) => CicidsLine {
  const parsed = parseCicidsHeader(headerLine);
  if (!parsed.ok) throw new Error(`missing: ${parsed.missing.join(', ')}`);
  return createCicidsLineReader({ header: parsed.header, day: 'friday' });
}

const readLine = readerOf(CICIDS_HEADER);

function recordOf(changes: Partial<CicidsFields>): CicidsRecord {
  const line = readLine(cicidsLine(changes));
  if (line.kind !== 'flow') throw new Error(`no flow: ${JSON.stringify(line)}`);
  return line.record;
}

function attackOf(label: string): string | null {
  const line = readLine(cicidsLine({ label }));
  if (line.kind !== 'flow') throw new Error(`no flow: ${JSON.stringify(line)}`);
  return line.attack;
}

describe('the header of a CICIDS2017 file', () => {
  it('is read with its leading blanks, in any case, after a byte order mark', () => {
    for (const header of [CICIDS_HEADER, CICIDS_HEADER.toUpperCase(), `\uFEFF${CICIDS_HEADER}`]) {
      const parsed = parseCicidsHeader(header);
      expect(parsed).toMatchObject({ ok: true, header: { fieldCount: 85 } });
    }
  });

  it('takes the first of the two columns called Fwd Header Length', () => {
    const parsed = parseCicidsHeader(CICIDS_HEADER);
    expect(parsed.ok && parsed.header.positions['Fwd Header Length']).toBe(40);
    expect(CICIDS_HEADER.split(',').lastIndexOf(' Fwd Header Length')).toBe(61);
  });

  it('of the MachineLearningCSV variant lacks addresses, ports, protocol and time', () => {
    const [, , , , , , , ...measured] = CICIDS_HEADER.split(',');
    expect(parseCicidsHeader([' Destination Port', ...measured].join(','))).toEqual({
      ok: false,
      missing: ['Source IP', 'Source Port', 'Destination IP', 'Protocol', 'Timestamp'],
    });
  });
});

describe('a line of a CICIDS2017 file', () => {
  it('becomes a record of IP bytes and packets of both directions', () => {
    // Payload 120 + 400, TCP headers 96 + 64, and 20 bytes of IPv4 header for each of 5 packets.
    expect(readLine(cicidsLine())).toEqual({
      kind: 'flow',
      attack: null,
      record: {
        timestampMs: Date.UTC(2017, 6, 7, 18, 30),
        sourceIp: '192.168.10.5',
        sourcePort: 54_865,
        destinationIp: '104.16.207.165',
        destinationPort: 443,
        protocol: 'tcp',
        action: 'accept',
        bytes: 780,
        packets: 5,
      },
    });
  });

  it('with a small request over a handshake counts as established, which its payload alone would not', () => {
    const login = { packets: [3, 3], payload: [60, 80], headerBytes: [96, 96] } as const;
    expect(isEstablishedTcp(recordOf(login))).toBe(true);
    expect(isEstablishedTcp({ ...recordOf(login), bytes: 140 })).toBe(false);
  });

  it('with four bare control segments, padded to 46 bytes each by Ethernet, does not', () => {
    expect(isEstablishedTcp(recordOf({ packets: [2, 2], payload: [12, 12], headerBytes: [40, 40] }))).toBe(
      false,
    );
  });

  it('is not asked for the headers of UDP, which hold what a TCP packet had before', () => {
    for (const headerBytes of [
      [64, 64],
      [40, 40],
    ] as const)
      expect(recordOf({ protocol: 17, packets: [2, 2], payload: [74, 200], headerBytes }).bytes).toBe(
        74 + 200 + 4 * (8 + 20),
      );
  });

  it.each([-32_212_234_632, -1, 59, 181, 'NaN', ''])(
    'with the impossible TCP header length %s for 3 packets gets the least there can be',
    (wrong) => {
      expect(recordOf({ headerBytes: [wrong, 64] }).bytes).toBe(520 + 3 * 20 + 64 + 5 * 20);
    },
  );

  it('knows tcp, udp and icmp; 0 is what CICFlowMeter could not read and no protocol', () => {
    const protocols = [6, 17, 1, 0, 47].map((protocol) => recordOf({ protocol }).protocol);
    expect(protocols).toEqual(['tcp', 'udp', 'icmp', null, null]);
  });

  it('is read whatever its rates are: NaN and Infinity are published values', () => {
    for (const bytesPerSecond of ['NaN', 'Infinity', '-1', ''])
      expect(readLine(cicidsLine({ bytesPerSecond })).kind).toBe('flow');
  });

  it('takes 12.0 for 12, as copies that went through pandas have it', () => {
    expect(recordOf({ sourcePort: '443.0', packets: ['3.0', '2.0'] })).toMatchObject({
      sourcePort: 443,
      packets: 5,
    });
  });

  it('of nothing but commas or blanks is empty, whatever their number', () => {
    for (const line of [EMPTY_CICIDS_LINE, '', ' ', ',,,', `${EMPTY_CICIDS_LINE},`, ' , ,'])
      expect(readLine(line)).toEqual({ kind: 'empty' });
  });

  it.each([
    {
      changes: { timestamp: '7/13/2017 3:30' },
      reason: /^Timestamp: got "7\/13\/2017 3:30", wanted day\/month/,
    },
    { changes: { timestamp: '6/7/2017 3:30' }, reason: /^Timestamp: .* friday/ },
    { changes: { sourceIp: 'host' }, reason: /^Source IP: got "host", wanted an IPv4 or IPv6 address/ },
    { changes: { destinationIp: '10.1' }, reason: /^Destination IP: / },
    { changes: { sourcePort: 65_536 }, reason: /^Source Port: got "65536", wanted .* 0 to 65535/ },
    { changes: { destinationPort: '' }, reason: /^Destination Port: got ""/ },
    { changes: { packets: [-1, 0] }, reason: /^Total Fwd Packets: got "-1"/ },
    { changes: { payload: [0, '1.5'] }, reason: /^Total Length of Bwd Packets: got "1\.5"/ },
    { changes: { label: '' }, reason: /^Label: got ""/ },
    { changes: { label: 'x'.repeat(500) }, reason: /^Label: got "x{80}", wanted BENIGN or a name/ },
  ] as const)('with $changes is bad and says why', ({ changes, reason }) => {
    const line = readLine(cicidsLine(changes));
    expect(line.kind).toBe('bad');
    expect(line.kind === 'bad' && line.reason).toMatch(reason);
  });

  it('with a field too few or too many is bad', () => {
    for (const line of [`${cicidsLine()},1`, cicidsLine().slice(0, cicidsLine().lastIndexOf(','))])
      expect(readLine(line)).toEqual({ kind: 'bad', reason: 'not 85 fields separated by commas' });
  });

  it('is read wherever the columns lie', () => {
    const turned = (line: string): string => line.split(',').reverse().join(',');
    expect(readerOf(turned(CICIDS_HEADER))(turned(cicidsLine()))).toEqual(readLine(cicidsLine()));
  });
});

describe('a label', () => {
  it('is no attack when it is BENIGN, in any case', () => {
    for (const label of ['BENIGN', 'Benign', ' BENIGN ']) expect(attackOf(label)).toBeNull();
  });

  it.each(['\u0096', '\u2013', '\uFFFD', '\u00ef\u00bf\u00bd', '-', ' - '])(
    'of a web attack is one name, with the dash "%s" too',
    (dash) => {
      expect(attackOf(`Web Attack ${dash} Sql Injection`)).toBe('Web Attack - Sql Injection');
    },
  );

  it('keeps every other published name as it is', () => {
    for (const label of ['FTP-Patator', 'SSH-Patator', 'DoS slowloris', 'DoS Hulk', 'Heartbleed', 'DDoS'])
      expect(attackOf(label)).toBe(label);
  });
});

describe.skipIf(sharedDataMissing())('the 150 real rows of the published layout', () => {
  const realRows = (): string[] =>
    readFileSync(sharedFlows('cicids2017_generatedlabelledflows_layout.csv'), 'latin1')
      .trimEnd()
      .split(/\r?\n/);
  const canonicalRows = (): string[] =>
    gunzipSync(readFileSync(sharedFlows('cicids2017_friday_sample.csv.gz')))
      .toString()
      .trimEnd()
      .split('\n');

  it('have the header of the generated week', () => {
    expect(realRows()[0]).toBe(CICIDS_HEADER);
  });

  it('are the same records as in canonical form, but for the headers that their payload bytes lack', () => {
    const rows = realRows();
    const canonical = canonicalRows();
    const columns = parseFlowHeader(canonical[0]!);
    const readReal = readerOf(rows[0]!);
    expect(rows).toHaveLength(151);
    expect(canonical).toHaveLength(151);
    for (let row = 1; row < rows.length; row += 1) {
      const theirs = parseFlowLine(canonical[row]!, columns);
      const ours = readReal(rows[row]!);
      if (!theirs.ok || ours.kind !== 'flow') throw new Error(`row ${row} is no flow`);
      const { bytes, ...rest } = ours.record;
      const { bytes: payload, ...canonicalRest } = theirs.record;
      expect(rest).toEqual(canonicalRest);
      expect(ours.attack).toBeNull();
      const fields = rows[row]!.split(',');
      const transport = rest.protocol === 'udp' ? 8 * rest.packets : Number(fields[40]) + Number(fields[41]);
      expect(bytes).toBe(payload! + transport + 20 * rest.packets);
    }
  });
});
