import { LOG_RECORD_COLUMNS, type LogRecord, type LogRecordColumn } from '../features/log-record.ts';
import type { RowListener } from './copy-binary-decoder.ts';
import {
  type AddressDecoder,
  inetDecoder,
  integer,
  roundedFloat,
  textAddressDecoder,
  timestampMs,
  wordDecoder,
} from './field-decoders.ts';
import type { ReadableRelation } from './log-query.ts';

/** Why a row is no log record. */
export const SKIP_REASONS = [
  'timestamp_unreadable',
  'source_ip_missing',
  'source_ip_unreadable',
  'destination_ip_missing',
  'destination_ip_unreadable',
] as const;

export type SkipReason = (typeof SKIP_REASONS)[number];

/** Enough for every source and destination of a usual hour; about 20 MB at worst. */
const ADDRESS_CACHE_LIMIT = 150_000;
const MAX_PORT = 65_535;

/** IANA protocol numbers as exporters write them; others stay numbers. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = {
  '1': 'icmp',
  '2': 'igmp',
  '6': 'tcp',
  '17': 'udp',
  '41': 'ipv6',
  '47': 'gre',
  '50': 'esp',
  '51': 'ah',
  '58': 'icmpv6',
  '132': 'sctp',
};

const [TIME, SOURCE, SOURCE_PORT, DESTINATION, DESTINATION_PORT, PROTOCOL, ACTION, BYTES, PACKETS] =
  LOG_RECORD_COLUMNS.map((_, index) => index) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];

/**
 * Turns rows of copyLogsSql into log records. **One** record object is reused for all rows: whoever wants to keep
 * something copies it during the call. Numbers out of their range (a port of 70000, negative bytes) read as null.
 */
export function logRecordDecoder(listeners: {
  relation: ReadableRelation;
  onRecord: (record: LogRecord) => void;
  onSkip: (reason: SkipReason) => void;
}): RowListener {
  const { relation, onRecord, onSkip } = listeners;
  const sourceText = addressDecoder(relation, 'source_ip');
  const destinationText = addressDecoder(relation, 'destination_ip');
  const protocolWord = wordDecoder();
  const actionWord = wordDecoder();
  const sourcePort = numberDecoder(relation, 'source_port', MAX_PORT);
  const destinationPort = numberDecoder(relation, 'destination_port', MAX_PORT);
  const byteCount = numberDecoder(relation, 'bytes', Number.MAX_SAFE_INTEGER);
  const packetCount = numberDecoder(relation, 'packets', Number.MAX_SAFE_INTEGER);
  const record: LogRecord = emptyRecord();

  return (bytes, offsets, lengths) => {
    const time = lengths[TIME]! < 0 ? null : timestampMs(bytes, offsets[TIME]!);
    if (time === null) {
      onSkip('timestamp_unreadable');
      return;
    }
    if (lengths[SOURCE]! < 0) {
      onSkip('source_ip_missing');
      return;
    }
    const source = sourceText(bytes, offsets[SOURCE]!, lengths[SOURCE]!);
    if (source === null) {
      onSkip('source_ip_unreadable');
      return;
    }
    if (lengths[DESTINATION]! < 0) {
      onSkip('destination_ip_missing');
      return;
    }
    const destination = destinationText(bytes, offsets[DESTINATION]!, lengths[DESTINATION]!);
    if (destination === null) {
      onSkip('destination_ip_unreadable');
      return;
    }

    record.timestampMs = time;
    record.sourceIp = source;
    record.destinationIp = destination;
    record.sourcePort = sourcePort(bytes, offsets[SOURCE_PORT]!, lengths[SOURCE_PORT]!);
    record.destinationPort = destinationPort(bytes, offsets[DESTINATION_PORT]!, lengths[DESTINATION_PORT]!);
    const protocol =
      lengths[PROTOCOL]! < 0 ? null : protocolWord(bytes, offsets[PROTOCOL]!, lengths[PROTOCOL]!);
    record.protocol = protocol === null ? null : protocolName(protocol);
    record.action = lengths[ACTION]! < 0 ? null : actionWord(bytes, offsets[ACTION]!, lengths[ACTION]!);
    record.bytes = byteCount(bytes, offsets[BYTES]!, lengths[BYTES]!);
    record.packets = packetCount(bytes, offsets[PACKETS]!, lengths[PACKETS]!);
    onRecord(record);
  };
}

function emptyRecord(): LogRecord {
  return {
    timestampMs: 0,
    sourceIp: '',
    sourcePort: null,
    destinationIp: '',
    destinationPort: null,
    protocol: null,
    action: null,
    bytes: null,
    packets: null,
  };
}

function protocolName(word: string): string {
  const first = word.charCodeAt(0);
  // Looking a number up is only worth it for what begins like one.
  return first >= 0x30 && first <= 0x39 ? (PROTOCOL_NAMES[word] ?? word) : word;
}

function addressDecoder(relation: ReadableRelation, column: LogRecordColumn): AddressDecoder {
  return relation.columns[column] === 'text'
    ? textAddressDecoder(ADDRESS_CACHE_LIMIT)
    : inetDecoder(ADDRESS_CACHE_LIMIT);
}

type NumberDecoder = (bytes: Buffer, at: number, length: number) => number | null;

function numberDecoder(relation: ReadableRelation, column: LogRecordColumn, maximum: number): NumberDecoder {
  const isFloat = relation.columns[column] === 'float';
  return (bytes, at, length) => {
    if (length < 0) return null;
    const value = isFloat ? roundedFloat(bytes, at) : integer(bytes, at, length);
    return value !== null && value >= 0 && value <= maximum ? value : null;
  };
}
