import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AutoblockError, EXIT } from '../../src/errors.ts';
import { CICIDS_FILES, type CicidsDay } from '../../src/evaluation/cicids2017-week.ts';
import {
  type CicidsDataset,
  type CicidsFileReading,
  openCicidsDataset,
} from '../../src/log-intake/cicids2017-files.ts';
import { CICIDS_HEADER, cicidsLine, EMPTY_CICIDS_LINE } from '../support/cicids2017-line.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoblock-cicids-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const DATE = { monday: '3', tuesday: '4', wednesday: '5', thursday: '6', friday: '7' } as const;

function contentOf(day: CicidsDay): string {
  return `${CICIDS_HEADER}\n${cicidsLine({ timestamp: `${DATE[day]}/7/2017 9:00` })}\n`;
}

function writeWeek(folder = directory): void {
  for (const { name, day } of CICIDS_FILES) writeFileSync(join(folder, name), contentOf(day));
}

const open = (signal = new AbortController().signal): Promise<CicidsDataset> =>
  openCicidsDataset({ directory, signal });

async function refusal(): Promise<AutoblockError> {
  const thrown: unknown = await open().catch((error: unknown) => error);
  if (!(thrown instanceof AutoblockError)) throw new Error('not refused');
  return thrown;
}

interface Visit {
  readonly minute: string;
  readonly sourceIp: string;
  readonly attack: string | null;
}

async function readDay(
  dataset: CicidsDataset,
  day: CicidsDay,
): Promise<{ files: CicidsFileReading[]; visits: Visit[]; bytes: number }> {
  const visits: Visit[] = [];
  let bytes = 0;
  const files = await dataset.readDay({
    day,
    keep: () => true,
    visit: ({ timestampMs, sourceIp }, attack) =>
      visits.push({ minute: new Date(timestampMs).toISOString().slice(11, 16), sourceIp, attack }),
    onBytes: (more) => (bytes += more),
    signal: new AbortController().signal,
  });
  return { files, visits, bytes };
}

describe('the folder of CICIDS2017', () => {
  it('is read whatever the case of the names, packed or not', async () => {
    for (const { name, day } of CICIDS_FILES)
      writeFileSync(join(directory, `${name.toUpperCase()}.GZ`), gzipSync(contentOf(day)));
    const dataset = await open();
    const { files, bytes } = await readDay(dataset, 'friday');
    expect(files.map(({ file, flows }) => [file, flows])).toEqual([
      ['Friday-WorkingHours-Morning.pcap_ISCX.csv', 1],
      ['Friday-WorkingHours-Afternoon-PortScan.pcap_ISCX.csv', 1],
      ['Friday-WorkingHours-Afternoon-DDos.pcap_ISCX.csv', 1],
    ]);
    expect(bytes).toBeGreaterThan(0);
  });

  it('may be the one the archive makes, whose inner name ends in a blank', async () => {
    const inner = join(directory, 'GeneratedLabelledFlows', 'TrafficLabelling ');
    mkdirSync(inner, { recursive: true });
    writeWeek(inner);
    expect((await open()).directory).toBe(inner);
  });

  it('tells the size of all files, which is what reading the week adds up to', async () => {
    writeWeek();
    const dataset = await open();
    let sum = 0;
    for (const day of Object.keys(DATE) as CicidsDay[]) sum += (await readDay(dataset, day)).bytes;
    expect(sum).toBe(dataset.totalBytes);
  });

  it('without some files is refused with all of their names and what they are for', async () => {
    writeWeek();
    rmSync(join(directory, CICIDS_FILES[0]!.name));
    rmSync(join(directory, CICIDS_FILES[6]!.name));
    const { code, exitCode, message, whatToDo } = await refusal();
    expect({ code, exitCode }).toEqual({ code: 'DATASET_INVALID', exitCode: EXIT.usage });
    expect(message).toContain('lacks 2 of the 8 files');
    expect(message).toContain(
      'Monday-WorkingHours.pcap_ISCX.csv (benign traffic only, the model is trained on it)',
    );
    expect(message).toContain('Friday-WorkingHours-Afternoon-PortScan.pcap_ISCX.csv (port scans)');
    expect(message).not.toContain('Tuesday');
    expect(whatToDo).toContain('GeneratedLabelledFlows.zip');
  });

  it('that is not there or no folder is refused', async () => {
    rmSync(directory, { recursive: true });
    expect((await refusal()).message).toMatch(/cannot be read: .*ENOENT/);
    writeFileSync(directory, '');
    expect((await refusal()).message).toMatch(/cannot be read: .*ENOTDIR/);
  });

  it('with the MachineLearningCSV variant is refused, saying what it lacks and which download has it', async () => {
    const measured = CICIDS_HEADER.split(',').slice(7);
    for (const { name } of CICIDS_FILES)
      writeFileSync(join(directory, name), ` Destination Port,${measured.join(',')}\n80,1,BENIGN\n`);
    const { exitCode, message, whatToDo } = await refusal();
    expect(exitCode).toBe(EXIT.usage);
    expect(message).toContain('no column Source IP, Source Port, Destination IP, Protocol, Timestamp in ');
    for (const { name } of CICIDS_FILES) expect(message).toContain(name);
    expect(message).toContain('looks like MachineLearningCSV.zip');
    expect(whatToDo).toContain('https://www.unb.ca/cic/datasets/ids-2017.html');
  });

  it('with other headers that do not fit is refused, all of them at once, also an empty file', async () => {
    writeWeek();
    writeFileSync(join(directory, CICIDS_FILES[1]!.name), CICIDS_HEADER.replace(', Label', ', Class'));
    writeFileSync(join(directory, CICIDS_FILES[2]!.name), '');
    const { message } = await refusal();
    expect(message).toContain('no column Label in Tuesday-WorkingHours.pcap_ISCX.csv');
    expect(message).toContain('in Wednesday-workingHours.pcap_ISCX.csv');
  });

  it('gives up when told to', async () => {
    writeWeek();
    await expect(open(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

describe('a day of CICIDS2017', () => {
  const web = CICIDS_FILES[3]!.name;
  const infiltration = CICIDS_FILES[4]!.name;

  it('comes in order of time over all of its files, with cp1252 labels read and empty rows counted', async () => {
    writeWeek();
    const at = (clock: string, changes = {}): string =>
      cicidsLine({ timestamp: `6/7/2017 ${clock}`, ...changes });
    writeFileSync(
      join(directory, web),
      Buffer.from(
        [
          CICIDS_HEADER,
          at('10:30', { sourceIp: '172.16.0.1', label: 'Web Attack \u0096 XSS' }),
          at('9:05'),
          at('12:59'),
          ...new Array<string>(5).fill(EMPTY_CICIDS_LINE),
          '',
        ].join('\r\n'),
        'latin1',
      ),
    );
    writeFileSync(
      join(directory, infiltration),
      [
        CICIDS_HEADER,
        at('2:19', { sourceIp: '192.168.10.8', label: 'Infiltration' }),
        at('1:00'),
        at('2:20', { sourcePort: 'x' }),
        at('12:59', { sourceIp: '192.168.10.9' }),
      ].join('\n'),
    );
    const { files, visits } = await readDay(await open(), 'thursday');
    expect(visits).toEqual([
      { minute: '12:05', sourceIp: '192.168.10.5', attack: null },
      { minute: '13:30', sourceIp: '172.16.0.1', attack: 'Web Attack - XSS' },
      { minute: '15:59', sourceIp: '192.168.10.5', attack: null },
      { minute: '15:59', sourceIp: '192.168.10.9', attack: null },
      { minute: '16:00', sourceIp: '192.168.10.5', attack: null },
      { minute: '17:19', sourceIp: '192.168.10.8', attack: 'Infiltration' },
    ]);
    expect(files).toEqual([
      { file: web, flows: 3, emptyLines: 5, badLineCount: 0, badLines: [] },
      {
        file: infiltration,
        flows: 3,
        emptyLines: 0,
        badLineCount: 1,
        badLines: [{ line: 4, reason: 'Source Port: got "x", wanted a whole number from 0 to 65535' }],
      },
    ]);
  });

  it('keeps the first bad lines and counts all of them', async () => {
    writeWeek();
    const bad = new Array<string>(20).fill(cicidsLine({ timestamp: '?' }));
    writeFileSync(
      join(directory, web),
      [CICIDS_HEADER, ...bad, cicidsLine({ timestamp: '6/7/2017 9:00' })].join('\n'),
    );
    const { files } = await readDay(await open(), 'thursday');
    expect(files[0]).toMatchObject({ flows: 1, badLineCount: 20 });
    expect(files[0]!.badLines.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6]);
  });

  it('with a file of another day in place of its own is refused, saying what was found', async () => {
    writeWeek();
    writeFileSync(join(directory, infiltration), contentOf('friday'));
    await expect(readDay(await open(), 'thursday')).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(/Infilteration.* holds no flow; .*"7\/7\/2017 9:00"/) as string,
    });
  });
});
