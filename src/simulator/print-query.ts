import { CommandRefusal, TRAP } from './command-refusal.ts';

type PrintRow = Readonly<Record<string, string>>;

type RowTest = (row: PrintRow) => boolean;

/**
 * Whether a row passes a print's query words (without their `?`), evaluated as the stack program the manual describes
 * ("API", "Queries"): `name`, `-name`, `name=x`, `=name=x`, `<name=x`, `>name=x` push a truth value, `#…` combines.
 * What is left on the stack must all be true. The words are read once, the rows may be many. The returned function
 * throws CommandRefusal on an operation that lacks its operands.
 */
export function queryOf(queries: readonly string[]): RowTest {
  const tests = queries.map((query) => (query.startsWith('#') ? query.slice(1) : testOf(query)));
  const plain = tests.filter((step) => typeof step === 'function');
  if (plain.length === tests.length) return (row) => plain.every((test) => test(row));
  return (row) => {
    let stack: boolean[] = [];
    for (const step of tests) {
      if (typeof step === 'string') stack = combine(stack, step);
      else stack.push(step(row));
    }
    return stack.every(Boolean);
  };
}

function testOf(query: string): RowTest {
  if (query.startsWith('-')) return (row) => row[query.slice(1)] === undefined;
  const operator = /^[<>=]/.exec(query)?.[0] ?? '=';
  const comparison = /^[<>=]/.test(query) ? query.slice(1) : query;
  const end = comparison.indexOf('=');
  if (end === -1) return (row) => row[comparison] !== undefined;
  const name = comparison.slice(0, end);
  const wanted = comparison.slice(end + 1);
  if (operator === '=') return (row) => row[name] === wanted;
  const sign = operator === '<' ? -1 : 1;
  return (row) => {
    const held = row[name];
    return held !== undefined && Math.sign(compare(held, wanted)) === sign;
  };
}

function compare(left: string, right: string): number {
  const numbers = [Number(left), Number(right)];
  if (numbers.every((value) => Number.isFinite(value))) return numbers[0]! - numbers[1]!;
  return left < right ? -1 : Number(left > right);
}

/** The operations of one `?#` word: `!`, `&`, `|`, and a stack index (0 = top) that copies, or at the end keeps only that value. */
function combine(stack: readonly boolean[], operations: string): boolean[] {
  let values = [...stack];
  for (const [step] of operations.matchAll(/\d+\.?|[!&|.]|./g)) {
    if (step === '!') values.push(!pop(values));
    else if (step === '&') values.push(and(pop(values), pop(values)));
    else if (step === '|') values.push(or(pop(values), pop(values)));
    else if (step === '.') values.push(at(values, 0));
    else if (/^\d+\.?$/.test(step)) values.push(at(values, Number.parseInt(step, 10)));
    else throw malformed();
  }
  const last = /(\d+)$/.exec(operations);
  // An index that ends the word replaces the whole stack instead of pushing a copy.
  if (last !== null) values = [at(values, 0)];
  return values;
}

function and(left: boolean, right: boolean): boolean {
  return left && right;
}

function or(left: boolean, right: boolean): boolean {
  return left || right;
}

function pop(values: boolean[]): boolean {
  const value = values.pop();
  if (value === undefined) throw malformed();
  return value;
}

function at(values: readonly boolean[], depth: number): boolean {
  const value = values[values.length - 1 - depth];
  if (value === undefined) throw malformed();
  return value;
}

function malformed(): CommandRefusal {
  return new CommandRefusal(TRAP.argumentValue, 'invalid query');
}
