/**
 * PostgreSQL's binary COPY format, decoded incrementally: bytes arrive in pieces cut anywhere, rows come out whole.
 * Format: PostgreSQL manual, "COPY", section "Binary Format". All integers are big endian:
 * 11 bytes signature, int32 flags, int32 length of a header extension; per row int16 field count and per field
 * int32 length (-1: null) and the bytes; an int16 -1 ends the data.
 */

/** Called per row. Valid only during the call: field i is `bytes[offsets[i]!, offsets[i]! + lengths[i]!)`, length -1 is null. */
export type RowListener = (bytes: Buffer, offsets: Int32Array, lengths: Int32Array) => void;

export interface CopyBinaryDecoder {
  /** @throws Error when the bytes are not binary COPY data with the expected number of fields. */
  push(chunk: Buffer): void;
  /** @throws Error when the data stopped before its end mark. */
  end(): void;
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = SIGNATURE.length + 8;
const CRITICAL_FLAGS = 0xffff0000;
/** PostgreSQL's own limit of a field; anything above is no COPY data. */
const MAX_FIELD_BYTES = 0x3fffffff;

type Phase = 'header' | 'rows' | 'ended';

export function createCopyBinaryDecoder(options: {
  fieldCount: number;
  onRow: RowListener;
}): CopyBinaryDecoder {
  const { fieldCount, onRow } = options;
  const offsets = new Int32Array(fieldCount);
  const lengths = new Int32Array(fieldCount);
  let phase: Phase = 'header';
  // Pieces of an unfinished header or row wait here and are joined once, when enough have come.
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let neededBytes = HEADER_BYTES;

  /** Decodes whole rows from `start`; returns where the unfinished one begins and sets neededBytes for it. */
  function decodeRows(bytes: Buffer, start: number): number {
    const available = bytes.length;
    let rowStart = start;
    for (;;) {
      let at = rowStart + 2;
      if (at > available) return stopAt(rowStart, at);
      const count = (bytes[rowStart]! << 8) | bytes[rowStart + 1]!;
      if (count === 0xffff) {
        phase = 'ended';
        if (at !== available) throw new Error('binary COPY data goes on after its end mark');
        return at;
      }
      if (count !== fieldCount)
        throw new Error(`a row of binary COPY data has ${count} fields, not ${fieldCount}`);
      for (let field = 0; field < fieldCount; field += 1) {
        if (at + 4 > available) return stopAt(rowStart, at + 4);
        const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
        at += 4;
        offsets[field] = at;
        lengths[field] = length;
        if (length < -1 || length > MAX_FIELD_BYTES)
          throw new Error(`a field of binary COPY data has length ${length}`);
        if (length > 0) at += length;
        if (at > available) return stopAt(rowStart, at);
      }
      onRow(bytes, offsets, lengths);
      rowStart = at;
    }
  }

  function stopAt(rowStart: number, wantedEnd: number): number {
    neededBytes = wantedEnd - rowStart;
    return rowStart;
  }

  function decode(bytes: Buffer): void {
    let start = 0;
    if (phase === 'header') {
      start = headerLength(bytes);
      if (start > bytes.length) {
        neededBytes = start;
        keep(bytes);
        return;
      }
      phase = 'rows';
    }
    const rest = decodeRows(bytes, start);
    if (rest < bytes.length) keep(bytes.subarray(rest));
  }

  function keep(bytes: Buffer): void {
    waiting = [bytes];
    waitingBytes = bytes.length;
  }

  return {
    push(chunk) {
      if (chunk.length === 0) return;
      if (phase === 'ended') throw new Error('binary COPY data goes on after its end mark');
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes < neededBytes) return;
      const bytes = waiting.length === 1 ? chunk : Buffer.concat(waiting, waitingBytes);
      waiting = [];
      waitingBytes = 0;
      neededBytes = 0;
      decode(bytes);
    },
    end() {
      if (phase !== 'ended') throw new Error('binary COPY data ended in the middle');
    },
  };
}

/** Bytes of the header with its extension. Needs HEADER_BYTES of it. */
function headerLength(bytes: Buffer): number {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    throw new Error('the data does not begin like binary COPY data');
  }
  const flags = bytes.readUInt32BE(SIGNATURE.length);
  if ((flags & CRITICAL_FLAGS) !== 0)
    throw new Error('binary COPY data with flags this decoder does not know');
  return HEADER_BYTES + bytes.readUInt32BE(SIGNATURE.length + 4);
}
