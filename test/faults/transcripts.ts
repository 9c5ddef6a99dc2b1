import fc from 'fast-check';

/** How a router answers one command. */
export interface Answer {
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** A `!trap` after `afterRows` of the rows; `!done` follows all the same. */
  readonly trap: { readonly category: number; readonly message: string; readonly afterRows: number } | null;
  /** `!empty` in front of `!done`, since RouterOS 7.18. */
  readonly saysEmpty: boolean;
  readonly ret: string | null;
}

/** What a caller must get of it. */
export type Outcome =
  | { readonly rows: readonly Readonly<Record<string, string>>[] }
  | { readonly category: number; readonly message: string };

/** Texts of all three word lengths that occur, with characters of several bytes that a cut could halve. */
const text = fc.oneof(
  { weight: 12, arbitrary: fc.string({ maxLength: 20, unit: 'grapheme' }) },
  { weight: 4, arbitrary: fc.integer({ min: 118, max: 300 }).map((size) => 'ż='.repeat(size >> 1)) },
  { weight: 1, arbitrary: fc.integer({ min: 16_360, max: 17_000 }).map((size) => 'w'.repeat(size)) },
);
const row = fc.dictionary(fc.constantFrom('.id', 'address', 'list', 'comment', 'timeout'), text, {
  minKeys: 1,
});
const answer: fc.Arbitrary<Answer> = fc.record({
  rows: fc.array(row, { maxLength: 6 }),
  trap: fc.option(
    fc.record({ category: fc.nat(7), message: text.map((words) => `no: ${words}`), afterRows: fc.nat(6) }),
    { freq: 3 },
  ),
  saysEmpty: fc.boolean(),
  ret: fc.option(fc.constantFrom('*1', '*1A'), { freq: 3 }),
});

/** One to five commands under way at the same time, and a seed for how their answers mix. */
export const exchange = fc.record({
  answers: fc.array(answer, { minLength: 1, maxLength: 5 }),
  mixSeed: fc.integer(),
});

/** Sizes of the pieces a stream arrives in: byte by byte, tiny, up to a TCP segment. */
export const fragmentation = fc.record({
  maxBytes: fc.constantFrom(1, 2, 7, 64, 1460),
  seed: fc.integer(),
});

export function sentencesOf({ rows, trap, saysEmpty, ret }: Answer, tag: string): string[][] {
  const tagged = (kind: string, values: Readonly<Record<string, string>>): string[] => [
    kind,
    `.tag=${tag}`,
    ...Object.entries(values).map(([name, value]) => `=${name}=${value}`),
  ];
  const sentences = rows.map((values) => tagged('!re', values));
  if (trap !== null) {
    const { category, message } = trap;
    sentences.splice(trap.afterRows, 0, tagged('!trap', { category: String(category), message }));
  }
  if (saysEmpty) sentences.push(tagged('!empty', {}));
  sentences.push(tagged('!done', ret === null ? {} : { ret }));
  return sentences;
}

export function outcomeOf({ rows, trap, ret }: Answer): Outcome {
  if (trap !== null) return { category: trap.category, message: trap.message };
  return { rows: ret === null ? rows : [...rows, { ret }] };
}

/** Mixes the answers as a router with several commands at work does: each in its own order, all among each other. */
export function mixed(answers: readonly (readonly string[][])[], random: () => number): string[][] {
  const queues = answers.map((sentences) => [...sentences]);
  const stream: string[][] = [];
  for (;;) {
    const waiting = queues.filter((queue) => queue.length > 0);
    if (waiting.length === 0) return stream;
    stream.push(waiting[Math.floor(random() * waiting.length)]!.shift()!);
  }
}
