import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AutoblockError, messageOf } from '../errors.ts';
import { type CicidsDayBuffer, createCicidsDayBuffer } from '../evaluation/cicids2017-day-buffer.ts';
import {
  type CicidsHeader,
  type CicidsRecord,
  createCicidsLineReader,
  parseCicidsHeader,
} from '../evaluation/cicids2017-line.ts';
import { CICIDS_FILES, type CicidsDay, type CicidsFileName } from '../evaluation/cicids2017-week.ts';
import { readLines } from './text-lines.ts';

/** What became of the lines of one file. */
export interface CicidsFileReading {
  readonly file: string;
  readonly flows: number;
  /** Lines of nothing but commas. */
  readonly emptyLines: number;
  readonly badLineCount: number;
  /** The first of them, numbered from 1, the header included. */
  readonly badLines: readonly { readonly line: number; readonly reason: string }[];
}

interface CicidsDayOrder {
  readonly day: CicidsDay;
  /** Flows it says no to are read and counted, but not visited. */
  readonly keep: (record: CicidsRecord) => boolean;
  /** Called for each flow, earliest first; the record is written anew for each call. */
  readonly visit: (record: CicidsRecord, attack: string | null) => void;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

export interface CicidsDataset {
  /** The folder the files were found in. */
  readonly directory: string;
  /** Sum of the sizes of the eight files, packed where they are. */
  readonly totalBytes: number;
  /** Reads one day, file after file, holding its flows in memory (see CicidsDayBuffer) until all are visited. */
  readDay(order: CicidsDayOrder): Promise<CicidsFileReading[]>;
}

interface FoundFile extends CicidsFileName {
  readonly path: string;
}

const BAD_LINES_KEPT = 5;

/** Folders the archive unpacks to; the published name of the inner one ends in a blank. */
const ARCHIVE_FOLDERS = new Set(['generatedlabelledflows', 'trafficlabelling']);

/**
 * Finds the eight files in a folder, or in the folders the published archive makes in it, and looks at their headers.
 *
 * @throws AutoblockError DATASET_INVALID naming every file that is missing, or every header that does not fit;
 *   INPUT_FILE when a file cannot be read; the signal's reason on abort
 */
export async function openCicidsDataset({
  directory,
  signal,
}: {
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<CicidsDataset> {
  const found = await findFiles(directory);
  const headers = await readHeaders(found, signal);
  const sizes = await Promise.all(found.files.map(async ({ path }) => (await stat(path)).size));
  return {
    directory: found.directory,
    totalBytes: sizes.reduce((sum, size) => sum + size, 0),
    async readDay(order) {
      const buffer = createCicidsDayBuffer(order.day);
      const readings: CicidsFileReading[] = [];
      for (const file of found.files.filter(({ day }) => day === order.day))
        readings.push(await readFile({ file, header: headers.get(file.path)!, order, buffer }));
      buffer.visitInOrder(order.visit);
      return readings;
    },
  };
}

async function findFiles(
  directory: string,
): Promise<{ readonly directory: string; readonly files: readonly FoundFile[] }> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new AutoblockError('DATASET_INVALID', `${directory} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  });
  const files: FoundFile[] = [];
  const missing: CicidsFileName[] = [];
  for (const wanted of CICIDS_FILES) {
    const name = entries.find((entry) => isNamed(entry.name, wanted.name))?.name;
    if (name === undefined) missing.push(wanted);
    else files.push({ ...wanted, path: join(directory, name) });
  }
  if (missing.length === 0) return { directory, files };
  const inner = entries.find(
    (entry) => entry.isDirectory() && ARCHIVE_FOLDERS.has(entry.name.trim().toLowerCase()),
  );
  if (files.length === 0 && inner !== undefined) return findFiles(join(directory, inner.name));
  const list = missing.map(({ name, holds }) => `${name} (${holds})`).join(', ');
  throw new AutoblockError(
    'DATASET_INVALID',
    `${directory} lacks ${missing.length} of the ${CICIDS_FILES.length} files of CICIDS2017: ${list}`,
  );
}

function isNamed(found: string, wanted: string): boolean {
  const name = found.toLowerCase();
  return name === wanted.toLowerCase() || name === `${wanted.toLowerCase()}.gz`;
}

/** All headers before the first flow: a wrong download should show after a second, not after a training. */
async function readHeaders(
  { directory, files }: { readonly directory: string; readonly files: readonly FoundFile[] },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, CicidsHeader>> {
  const headers = new Map<string, CicidsHeader>();
  const lacking = new Map<string, string[]>();
  for (const { path, name } of files) {
    const parsed = parseCicidsHeader(await readFirstLine(path, signal));
    if (parsed.ok) {
      headers.set(path, parsed.header);
      continue;
    }
    const columns = parsed.missing.join(', ');
    lacking.set(columns, [...(lacking.get(columns) ?? []), name]);
  }
  if (lacking.size > 0) throw wrongHeaders(directory, lacking);
  return headers;
}

async function readFirstLine(path: string, signal: AbortSignal): Promise<string> {
  for await (const { lines } of readLines({ path, signal })) return lines[0] ?? '';
  return '';
}

function wrongHeaders(directory: string, lacking: ReadonlyMap<string, readonly string[]>): AutoblockError {
  const faults = [...lacking].map(([columns, names]) => `no column ${columns} in ${names.join(', ')}`);
  // What the other download of the data set, prepared for machine learning, leaves out.
  const isOtherDownload = [...lacking.keys()].some((columns) => /Source IP.*Timestamp/.test(columns));
  const guess = isOtherDownload
    ? '. This looks like MachineLearningCSV.zip, whose flows have neither addresses nor times'
    : '';
  return new AutoblockError('DATASET_INVALID', `${directory}: ${faults.join('; ')}${guess}`);
}

async function readFile({
  file,
  header,
  order,
  buffer,
}: {
  readonly file: FoundFile;
  readonly header: CicidsHeader;
  readonly order: CicidsDayOrder;
  readonly buffer: CicidsDayBuffer;
}): Promise<CicidsFileReading> {
  const readLine = createCicidsLineReader({ header, day: file.day });
  const badLines: { line: number; reason: string }[] = [];
  const counts = { flow: 0, empty: 0, bad: 0 };
  for await (const { firstLine, lines } of readLines({
    path: file.path,
    signal: order.signal,
    onBytes: order.onBytes,
  })) {
    for (const [index, text] of lines.entries()) {
      if (firstLine + index === 1) continue;
      const line = readLine(text);
      counts[line.kind] += 1;
      if (line.kind === 'flow' && order.keep(line.record)) buffer.add(line.record, line.attack);
      if (line.kind === 'bad' && badLines.length < BAD_LINES_KEPT)
        badLines.push({ line: firstLine + index, reason: line.reason });
    }
  }
  if (counts.flow === 0) throw noFlow(file.path, badLines[0]?.reason);
  return {
    file: file.name,
    flows: counts.flow,
    emptyLines: counts.empty,
    badLineCount: counts.bad,
    badLines,
  };
}

function noFlow(path: string, reason: string | undefined): AutoblockError {
  const why = reason === undefined ? '' : `; the first line that is none: ${reason}`;
  return new AutoblockError('DATASET_INVALID', `${path} holds no flow${why}`);
}
