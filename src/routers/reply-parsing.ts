import type { ReplyRow } from './router-session.ts';

/** One reply sentence, taken apart. */
export interface Reply {
  /** `!re`, `!done`, `!trap`, `!fatal`, `!empty`, or one of a newer RouterOS. */
  readonly kind: string;
  readonly attributes: ReplyRow;
  /** Words that are neither attribute nor tag: `!fatal` brings its reason as one. */
  readonly plainText: string;
}

/** A value may hold `=`; only the second one of the word separates. */
export function parseReply(words: readonly string[]): Reply {
  const attributes: [string, string][] = [];
  const plain: string[] = [];
  for (const word of words.slice(1)) {
    const end = word.indexOf('=', 1);
    if (word.startsWith('.tag=')) continue;
    if (!word.startsWith('=')) plain.push(word);
    else if (end === -1) attributes.push([word.slice(1), '']);
    else attributes.push([word.slice(1, end), word.slice(end + 1)]);
  }
  return {
    kind: words[0] ?? '',
    // fromEntries defines own properties, so a value named __proto__ stays a value.
    attributes: Object.fromEntries(attributes),
    plainText: plain.join(' '),
  };
}

/** The reason a `!trap` or `!fatal` gives. */
export function reasonOf(reply: Reply): string {
  return reply.attributes['message'] ?? (reply.plainText === '' ? 'no reason given' : reply.plainText);
}

/** The category of a `!trap`, 0-7, or null. */
export function categoryOf(reply: Reply): number | null {
  const text = reply.attributes['category'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
