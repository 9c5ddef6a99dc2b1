import { AutoblockError } from '../errors.ts';

/** Reading of JSON that may have been tampered with: each reader returns a checked value or refuses with MODEL_INVALID. */

export function invalid(where: string, found: string): AutoblockError {
  return new AutoblockError('MODEL_INVALID', `${where}: ${found}`);
}

export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new AutoblockError('MODEL_INVALID', `${where} is not JSON`, { cause });
  }
}

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}

export type Fields = Readonly<Record<string, unknown>>;

export function readObject(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(where, 'expected an object');
  return value as Fields;
}

export function readText(value: unknown, where: string): string {
  if (typeof value !== 'string') throw invalid(where, 'expected a text');
  return value;
}

export function readNumber(
  value: unknown,
  { where, min, max }: { readonly where: string; readonly min: number; readonly max: number },
): number {
  if (typeof value !== 'number' || !(value >= min && value <= max))
    throw invalid(where, `expected a number from ${min} to ${max}`);
  return value;
}

/** A whole number from `min` up. */
export function readCount(value: unknown, where: string, min = 0): number {
  const number = readNumber(value, { where, min, max: Number.MAX_SAFE_INTEGER });
  if (!Number.isInteger(number)) throw invalid(where, 'expected a whole number');
  return number;
}

export function readList(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, 'expected a list');
  return value;
}

export function readTexts(value: unknown, where: string): string[] {
  return readList(value, where).map((item, index) => readText(item, `${where}[${index}]`));
}

interface NumbersWanted {
  readonly where: string;
  /** Null: any number of them but none. */
  readonly length: number | null;
  readonly min: number;
}

/** Finite numbers from `min` up. */
export function readNumbers(value: unknown, { where, length, min }: NumbersWanted): Float64Array {
  const list = readList(value, where);
  if (list.length === 0 || (length !== null && list.length !== length))
    throw invalid(where, `expected ${length ?? 'some'} numbers, found ${list.length}`);
  const max = Number.MAX_VALUE;
  return Float64Array.from(list, (item, index) =>
    readNumber(item, { where: `${where}[${index}]`, min, max }),
  );
}

/** As readNumbers, none below the one before it. */
export function readAscending(value: unknown, wanted: NumbersWanted): Float64Array {
  const numbers = readNumbers(value, wanted);
  const fall = numbers.findIndex((number, index) => index > 0 && number < numbers[index - 1]!);
  if (fall >= 0) throw invalid(`${wanted.where}[${fall}]`, 'not ascending');
  return numbers;
}
