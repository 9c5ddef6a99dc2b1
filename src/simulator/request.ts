/** One command sentence, taken apart. */
export interface ApiRequest {
  /** For example `/ip/firewall/address-list/print`. */
  readonly command: string;
  /** `=name=value` words. */
  readonly attributes: ReadonlyMap<string, string>;
  /** `?…` words without the question mark, in order: they are a stack program. */
  readonly queries: readonly string[];
  readonly tag: string | null;
}

/** A router ignores API attributes it does not know (`.something=`), and so does this. */
export function parseRequest(words: readonly string[]): ApiRequest {
  const attributes = new Map<string, string>();
  const queries: string[] = [];
  let tag: string | null = null;
  for (const word of words.slice(1)) {
    if (word.startsWith('.tag=')) tag = word.slice('.tag='.length);
    else if (word.startsWith('?')) queries.push(word.slice(1));
    else if (word.startsWith('=')) {
      const end = word.indexOf('=', 1);
      if (end === -1) attributes.set(word.slice(1), '');
      else attributes.set(word.slice(1, end), word.slice(end + 1));
    }
  }
  return { command: words[0] ?? '', attributes, queries, tag };
}
