import { AutoblockError } from '../../errors.ts';
import { canonicalText } from '../../ip/address.ts';
import { type LineBatch, readLines, readStreamLines } from '../../log-intake/text-lines.ts';
import type { Input } from '../command.ts';
import { firstFew } from '../first-few.ts';
import { oneLine } from '../tables.ts';

/** More lines are a mistake in the call, not a list of attackers: no router takes them. */
const MOST_LINES = 1_000_000;
const BAD_TEXTS_KEPT = 20;
const SHOWN_CHARACTERS = 60;

export interface AddressRequest {
  /** Named on the command line. */
  readonly operands: readonly string[];
  /** A file name, or `-` for standard input; undefined when there is none. */
  readonly file: string | undefined;
  readonly input: () => Input;
}

/**
 * Every address and network an operator names, on the command line and in a file, in canonical text, each once, in the
 * order first named. All of them or none: a typo in the thousandth line must not leave 999 blocked.
 *
 * A file holds one a line, comments after `#` or `;`, empty lines anywhere; CRLF and a byte order mark are fine.
 * @throws AutoblockError ADDRESS_INVALID naming the first 20 that are none and their number; INPUT_FILE; USAGE when
 * nothing is named
 */
export async function readAddresses({ operands, file, input }: AddressRequest): Promise<string[]> {
  const collected = createCollection();
  for (const operand of operands) collected.take(operand, null);
  if (file !== undefined) {
    for await (const batch of linesOf(file, input)) takeLines(collected, { batch, file });
  }
  if (collected.bad() > 0) throw collected.refusal();
  if (collected.addresses.size === 0) {
    const where = file === undefined ? '' : ` on the command line or in ${nameOf(file)}`;
    throw new AutoblockError('USAGE', `blocks: no address given${where}`);
  }
  return [...collected.addresses];
}

function linesOf(file: string, input: () => Input): AsyncGenerator<LineBatch, void> {
  return file === '-' ? readStreamLines({ name: nameOf(file), chunks: input() }) : readLines({ path: file });
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}

function takeLines(collected: Collection, { batch, file }: { batch: LineBatch; file: string }): void {
  for (const [index, line] of batch.lines.entries()) {
    const number = batch.firstLine + index;
    if (number > MOST_LINES)
      throw new AutoblockError(
        'INPUT_FILE',
        `${nameOf(file)} has more than ${MOST_LINES} lines: nothing was done`,
      );
    const text = line.replace(/[#;].*$/s, '').trim();
    if (text !== '') collected.take(text, number);
  }
}

interface Collection {
  readonly addresses: ReadonlySet<string>;
  /** `line` null: named on the command line. */
  take(text: string, line: number | null): void;
  bad(): number;
  refusal(): AutoblockError;
}

function createCollection(): Collection {
  const addresses = new Set<string>();
  const badTexts: string[] = [];
  let badCount = 0;
  return {
    addresses,
    take(text, line) {
      const address = canonicalText(text);
      if (address !== null) {
        addresses.add(address);
        return;
      }
      badCount += 1;
      const where = line === null ? '' : `line ${line}: `;
      if (badTexts.length < BAD_TEXTS_KEPT) badTexts.push(`${where}"${shortened(text)}"`);
    },
    bad: () => badCount,
    refusal: () =>
      new AutoblockError(
        'ADDRESS_INVALID',
        `not an address or network: ${badCount > 3 ? `${badCount} of them; nothing was done` : ''}${firstFew(badTexts, badCount)}`,
      ),
  };
}

function shortened(text: string): string {
  const line = oneLine(text);
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS)}…`;
}
