import { AutoblockError } from '../errors.ts';
import { LOG_RECORD_COLUMNS, type LogRecord, type LogRecordColumn } from '../features/log-record.ts';
import { parseAddress } from '../ip/address.ts';
import { parseIsoTimestamp } from './iso-timestamp.ts';

/**
 * The canonical flow CSV: one flow a line, columns found by the header's names in any order. A field may be quoted
 * ("a,b", a quote inside doubled), but not span lines. An empty field is null.
 */
const OPTIONAL_COLUMNS = ['label', 'attack', 'dataset'] as const;

type OptionalColumn = (typeof OPTIONAL_COLUMNS)[number];

/** Where each column lies in a line, counted from 0. */
export interface FlowColumns {
  readonly fieldCount: number;
  readonly positions: Readonly<Record<LogRecordColumn, number> & Partial<Record<OptionalColumn, number>>>;
}

export type FlowLine =
  | {
      readonly ok: true;
      readonly record: LogRecord;
      /** 1 = attack, 0 = benign, null where the file does not say. */
      readonly label: 0 | 1 | null;
      readonly attack: string | null;
      readonly dataset: string | null;
    }
  | { readonly ok: false; readonly reason: FlowLineError };

/** Why a line is no flow. */
interface FlowLineError {
  /** The column at fault, or `line` when the fields do not fit the header. */
  readonly column: LogRecordColumn | OptionalColumn | 'line';
  /** What stood there, cut to 80 characters. */
  readonly found: string;
  /** What was wanted, in words. */
  readonly wanted: string;
}

const MAX_FOUND_CHARACTERS = 80;
const MAX_PORT = 65_535;
/** `network_logs.packets` is a PostgreSQL integer. */
const MAX_PACKETS = 2 ** 31 - 1;
/** Longest protocol or action name taken: they are words, and every one is kept in memory. */
const MAX_WORD_CHARACTERS = 32;

/**
 * Reads the header line. Names are taken without regard to case, blanks around them and a byte order mark; columns that
 * are not ours are skipped. Throws AutoblockError INPUT_FILE listing the columns that are missing or occur twice.
 */
export function parseFlowHeader(line: string): FlowColumns {
  const names = (splitFields(line.replace(/^\uFEFF/, '')) ?? []).map((name) => name.trim().toLowerCase());
  const missing = LOG_RECORD_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0)
    throw new AutoblockError('INPUT_FILE', `The header line lacks the columns ${missing.join(', ')}.`);
  const known = [...LOG_RECORD_COLUMNS, ...OPTIONAL_COLUMNS];
  const twice = known.filter((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice.length > 0)
    throw new AutoblockError('INPUT_FILE', `The header line has twice the columns ${twice.join(', ')}.`);
  const positions = Object.fromEntries(
    known.filter((column) => names.includes(column)).map((column) => [column, names.indexOf(column)]),
  ) as FlowColumns['positions'];
  return { fieldCount: names.length, positions };
}

/**
 * Reads one line after the header. Never throws on what a line holds. Addresses come out canonical, protocol and action
 * in lower case; for ICMP the port columns may hold type and code and are taken as they are.
 */
export function parseFlowLine(line: string, columns: FlowColumns): FlowLine {
  try {
    return readLine(line, columns);
  } catch (thrown) {
    if (thrown instanceof FieldFault) return { ok: false, reason: thrown.reason };
    throw thrown;
  }
}

function readLine(line: string, columns: FlowColumns): FlowLine {
  const fields = splitFields(line);
  if (fields?.length !== columns.fieldCount)
    throw new FieldFault('line', line, `${columns.fieldCount} fields separated by commas`);
  const field = (column: LogRecordColumn | OptionalColumn): Field => {
    const position = columns.positions[column];
    return { column, text: position === undefined ? '' : fields[position]!.trim() };
  };
  const record = {
    timestampMs: readTimestamp(field('timestamp')),
    sourceIp: readAddress(field('source_ip')),
    sourcePort: readInteger(field('source_port'), MAX_PORT),
    destinationIp: readAddress(field('destination_ip')),
    destinationPort: readInteger(field('destination_port'), MAX_PORT),
    protocol: readWord(field('protocol')),
    action: readWord(field('action')),
    bytes: readInteger(field('bytes'), Number.MAX_SAFE_INTEGER),
    packets: readInteger(field('packets'), MAX_PACKETS),
  };
  const label = readInteger(field('label'), 1) as 0 | 1 | null;
  return {
    ok: true,
    record,
    label,
    attack: textOrNull(field('attack')),
    dataset: textOrNull(field('dataset')),
  };
}

interface Field {
  readonly column: LogRecordColumn | OptionalColumn;
  readonly text: string;
}

/** Carries a reason out of the readers of single fields; never leaves this file. */
class FieldFault extends Error {
  readonly reason: FlowLineError;

  constructor(column: FlowLineError['column'], found: string, wanted: string) {
    super(wanted);
    this.reason = { column, found: found.slice(0, MAX_FOUND_CHARACTERS), wanted };
  }
}

function readTimestamp({ column, text }: Field): number {
  const timestampMs = parseIsoTimestamp(text);
  if (timestampMs === null)
    throw new FieldFault(
      column,
      text,
      'an ISO 8601 time with Z or an offset, as 2026-01-31T23:59:59.123456Z',
    );
  return timestampMs;
}

function readAddress({ column, text }: Field): string {
  const address = parseAddress(text);
  if (address === null) throw new FieldFault(column, text, 'an IPv4 or IPv6 address');
  return address.text;
}

function readInteger({ column, text }: Field, max: number): number | null {
  if (text === '') return null;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max)
    throw new FieldFault(column, text, `a whole number from 0 to ${max}, or nothing`);
  return value;
}

function readWord({ column, text }: Field): string | null {
  if (text.length > MAX_WORD_CHARACTERS)
    throw new FieldFault(column, text, `a name of at most ${MAX_WORD_CHARACTERS} characters, or nothing`);
  return text === '' ? null : text.toLowerCase();
}

function textOrNull({ text }: Field): string | null {
  return text === '' ? null : text;
}

/** Fields of a line without its line break; null when a quote is left open or stands where none may. */
function splitFields(line: string): string[] | null {
  const text = line.replace(/\r?\n?$/, '');
  if (!text.includes('"')) return text.split(',');
  const fields: string[] = [];
  // A field is quoted or holds no quote at all; the sticky match must reach the end without a gap.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(text);
    if (match === null) return null;
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}
