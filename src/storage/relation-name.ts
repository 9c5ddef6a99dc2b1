import { AutoblockError } from '../errors.ts';

/** A table or view as configured, and the same quoted for SQL. */
export interface RelationName {
  /** Without quotes, for messages: `ids.network_logs`. */
  readonly text: string;
  /** `"ids"."network_logs"`. */
  readonly quoted: string;
}

const PART = /^(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))(\.|$)/u;

/**
 * Reads `name`, `schema.name` or quoted parts, with PostgreSQL's own rule: unquoted parts are folded to lower case,
 * quoted ones are kept.
 *
 * @throws AutoblockError CONFIG_INVALID on anything else, so that no other text ever gets into a query.
 */
export function parseRelationName(configured: string): RelationName {
  const parts: string[] = [];
  let rest = configured.trim();
  let open = true;
  while (open) {
    const match = PART.exec(rest);
    if (match === null || parts.length === 2) throw notARelation(configured);
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]!.toLowerCase());
    rest = rest.slice(match[0].length);
    open = match[3] === '.';
  }
  if (rest !== '') throw notARelation(configured);
  return { text: parts.join('.'), quoted: parts.map(quoteIdentifier).join('.') };
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function notARelation(configured: string): AutoblockError {
  return new AutoblockError(
    'CONFIG_INVALID',
    `LOGS_RELATION is ${JSON.stringify(configured)}; wanted: a table or view, name or schema.name`,
  );
}
