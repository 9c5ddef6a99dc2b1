import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AutoblockError, messageOf } from '../errors.ts';

/** Lines of one piece of a file; the first has number `firstLine`, counted from 1. */
export interface LineBatch {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const READ_BYTES = 256 * 1024;
/** No line of ours is near that long; a file without line ends must not be taken into memory whole. */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/**
 * Streams the lines of a text file, plain or gzip (told by its first bytes, not its name), without their ends. A byte
 * order mark is dropped; CRLF ends a line, and so does the end of the file.
 *
 * @throws AutoblockError INPUT_FILE when the file cannot be read or unpacked; the signal's reason on abort
 */
export async function* readLines(source: {
  path: string;
  signal?: AbortSignal;
  /** Told how many bytes of the file were read more, still packed. */
  onBytes?: (bytes: number) => void;
}): AsyncGenerator<LineBatch, void> {
  const { path, signal, onBytes } = source;
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const plain = readChunks(file, onBytes);
    yield* splitLines((await isGzip(file)) ? unpack(plain) : plain, signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown instanceof AutoblockError ? thrown : unreadable(path, thrown);
  } finally {
    await file.close();
  }
}

/**
 * The same of a stream that is plain text, such as standard input; `name` is what messages call it.
 *
 * @throws AutoblockError INPUT_FILE when it cannot be read
 */
export async function* readStreamLines(source: {
  name: string;
  chunks: AsyncIterable<Buffer>;
}): AsyncGenerator<LineBatch, void> {
  const { name, chunks } = source;
  try {
    yield* splitLines(chunks);
  } catch (thrown) {
    throw thrown instanceof AutoblockError ? thrown : unreadable(name, thrown);
  }
}

function unreadable(path: string, cause: unknown): AutoblockError {
  return new AutoblockError('INPUT_FILE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}

async function isGzip(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.equals(GZIP_MAGIC);
}

async function* readChunks(file: FileHandle, onBytes?: (bytes: number) => void): AsyncGenerator<Buffer> {
  let position = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    onBytes?.(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

async function* unpack(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  yield* pipeline(packed, gunzip, onlyReported) as AsyncIterable<Buffer>;
}

/** A failure reaches the one who iterates; the callback would only tell it a second time. */
function onlyReported(): void {}

async function* splitLines(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<LineBatch> {
  const decoder = new TextDecoder('utf-8');
  let firstLine = 1;
  let rest = '';
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error(`line ${firstLine + lines.length} never ends`);
    if (lines.length > 0) yield { firstLine, lines: lines.map(withoutCarriageReturn) };
    firstLine += lines.length;
  }
  rest += decoder.decode();
  if (rest !== '') yield { firstLine, lines: [withoutCarriageReturn(rest)] };
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
