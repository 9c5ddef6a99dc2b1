/**
 * One row of `network_logs`, the input of everything. All addresses are canonical text
 * (`203.0.113.7`, `2001:db8::1`; an IPv4-mapped IPv6 address is written as IPv4).
 */
export interface LogRecord {
  /** Unix time in milliseconds, UTC; a fraction carries the microseconds. */
  timestampMs: number;
  sourceIp: string;
  /** 0-65535, null when not known. For ICMP some exporters put the type here. */
  sourcePort: number | null;
  destinationIp: string;
  destinationPort: number | null;
  /** Lower case: `tcp`, `udp`, `icmp`, … ; null when not known. */
  protocol: string | null;
  /** Lower case: `accept`, `drop`, `reject`, … ; null when the log does not say. */
  action: string | null;
  /** Bytes of the flow, both directions together; null when not known. */
  bytes: number | null;
  /** Packets of the flow, both directions together; null when not known. */
  packets: number | null;
}

/** The fields of a LogRecord as columns of `network_logs` and of the canonical flow CSV. */
export const LOG_RECORD_COLUMNS = [
  'timestamp',
  'source_ip',
  'source_port',
  'destination_ip',
  'destination_port',
  'protocol',
  'action',
  'bytes',
  'packets',
] as const;

export type LogRecordColumn = (typeof LOG_RECORD_COLUMNS)[number];
