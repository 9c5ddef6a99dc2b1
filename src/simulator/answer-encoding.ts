import { createSentenceWriter, type SentenceWriter } from '../routeros-wire/sentence-codec.ts';
import type { CommandRefusal } from './command-refusal.ts';
import type { Answer, Row } from './commands.ts';

/** `!re` for each row, `!empty` where it is said, `!done`: all in one piece, not one system call per row. */
export function encodeAnswer(
  answer: Answer,
  { tag, saysEmpty }: { tag: string | null; saysEmpty: boolean },
): Uint8Array {
  const writer = createSentenceWriter();
  for (const row of answer.rows) {
    begin(writer, '!re', tag);
    writeAttributes(writer, row, answer.properties);
    writer.end();
  }
  if (saysEmpty && answer.rows.length === 0 && Object.keys(answer.done).length === 0) {
    begin(writer, '!empty', tag);
    writer.end();
  }
  begin(writer, '!done', tag);
  writeAttributes(writer, answer.done, null);
  writer.end();
  return writer.bytes();
}

/** `!trap` and the `!done` that always follows. */
export function encodeRefusal(refusal: CommandRefusal, tag: string | null): Uint8Array {
  const writer = createSentenceWriter();
  begin(writer, '!trap', tag);
  writeAttributes(writer, { category: String(refusal.category), message: refusal.message }, null);
  writer.end();
  begin(writer, '!done', tag);
  writer.end();
  return writer.bytes();
}

function begin(writer: SentenceWriter, kind: string, tag: string | null): void {
  writer.word(kind);
  if (tag !== null) writer.word(`.tag=${tag}`);
}

function writeAttributes(writer: SentenceWriter, row: Row, properties: ReadonlySet<string> | null): void {
  for (const [name, value] of Object.entries(row)) {
    if (properties === null || properties.has(name)) writer.word(`=${name}=${value}`);
  }
}
