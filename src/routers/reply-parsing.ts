import type { ReplyRow } from './router-session.ts';

/** One reply sentence, taken apart. */
export interface Reply {
  /** `!re`, `!done`, `!trap`, `!fatal`, `!empty`, or one of a newer RouterOS. */
  readonly kind: string;
  /** Of the command it answers; null when it has none. */
  readonly tag: string | null;
  /** Null when there are none. */
  readonly attributes: ReplyRow | null;
  /** Words that are neither attribute nor tag: `!fatal` brings its reason as one. */
  readonly plainText: string;
}

const TAG_WORD = '.tag=';

/** A value may hold `=`; only the second one of the word separates. Read for every row of long lists: no detours. */
export function parseReply(words: readonly string[]): Reply {
  let tag: string | null = null;
  let attributes: Record<string, string> | null = null;
  let plainText = '';
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index]!;
    if (word.startsWith('=')) {
      attributes ??= {};
      const end = word.indexOf('=', 1);
      if (end === -1) setOwn(attributes, word.slice(1), '');
      else setOwn(attributes, word.slice(1, end), word.slice(end + 1));
    } else if (word.startsWith(TAG_WORD)) tag = word.slice(TAG_WORD.length);
    else plainText = plainText === '' ? word : `${plainText} ${word}`;
  }
  return { kind: words[0] ?? '', tag, attributes, plainText };
}

/** A value named __proto__ stays a value. */
function setOwn(attributes: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') {
    Object.defineProperty(attributes, name, { value, enumerable: true, configurable: true, writable: true });
  } else attributes[name] = value;
}

/** The reason a `!trap` or `!fatal` gives. */
export function reasonOf(reply: Reply): string {
  return reply.attributes?.['message'] ?? (reply.plainText === '' ? 'no reason given' : reply.plainText);
}

/** The category of a `!trap`, 0-7, or null. */
export function categoryOf(reply: Reply): number | null {
  const text = reply.attributes?.['category'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}
