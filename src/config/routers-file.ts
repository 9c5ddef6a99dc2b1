import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { ConfigProblem } from './config-problem.ts';
import { ADDRESS_LIST_PATTERN, ADDRESS_LIST_WANTED } from './options.ts';
import { HOST_WANTED, isHost } from './parse-option.ts';

/** One router to keep the address list of. */
export interface RouterConfig {
  /** Unique; stands in logs, in the sync state and in metrics. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
  /** PEM text of the certificate authority to trust instead of those Node ships with; null = Node's. */
  readonly caPem: string | null;
  readonly addressList: string;
}

const TLS_PORT = 8729;
const PLAIN_PORT = 8728;

/** Port of the RouterOS API when none is given. */
export function defaultRouterPort(tls: boolean): number {
  return tls ? TLS_PORT : PLAIN_PORT;
}

const printable = z.string().min(1).max(128);

const routerSchema = z.strictObject({
  name: printable,
  host: z.string().refine(isHost, { error: HOST_WANTED }),
  port: z.int().min(1).max(65_535).optional(),
  user: printable,
  password: z.string().min(1),
  tls: z.boolean().optional(),
  ca: z.string().min(1).optional(),
  addressList: z.string().regex(ADDRESS_LIST_PATTERN, { error: ADDRESS_LIST_WANTED }).optional(),
});

type RouterEntry = z.infer<typeof routerSchema>;

export interface RoutersFileSource {
  /** Absolute. */
  readonly path: string;
  readonly readTextFile: (path: string) => string;
  /** List for routers that name none. */
  readonly addressList: string;
}

/** Reads the JSON list of routers; everything wrong with it is added to `problems`, and the list is then empty or short. */
export function readRoutersFile(source: RoutersFileSource, problems: ConfigProblem[]): RouterConfig[] {
  const text = readOrReport({ key: 'ROUTERS_FILE', path: source.path, source }, problems);
  if (text === null) return [];
  const json = parseJson(text);
  if ('line' in json) {
    const where = json.line === null ? '' : ` (line ${json.line})`;
    problems.push({ key: 'ROUTERS_FILE', got: source.path, wanted: `a file with valid JSON${where}` });
    return [];
  }
  const parsed = z.array(routerSchema).min(1).safeParse(json.value);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((issue) => schemaProblem(issue, json.value)));
    return [];
  }
  reportDuplicates(parsed.data, problems);
  return parsed.data.map((entry, index) => routerOf({ entry, index, source }, problems));
}

function routerOf(
  { entry, index, source }: { entry: RouterEntry; index: number; source: RoutersFileSource },
  problems: ConfigProblem[],
): RouterConfig {
  const tls = entry.tls ?? true;
  return {
    name: entry.name,
    host: entry.host,
    port: entry.port ?? defaultRouterPort(tls),
    user: entry.user,
    password: entry.password,
    tls,
    caPem: caPemOf({ entry, index, source }, problems),
    addressList: entry.addressList ?? source.addressList,
  };
}

function caPemOf(
  { entry, index, source }: { entry: RouterEntry; index: number; source: RoutersFileSource },
  problems: ConfigProblem[],
): string | null {
  if (entry.ca === undefined) return null;
  const key = `ROUTERS_FILE[${index}].ca`;
  if (entry.tls === false) problems.push({ key, got: entry.ca, wanted: 'no `ca` where tls is false' });
  // Relative to the file that names it, so that the pair can be moved together.
  const path = resolve(dirname(source.path), entry.ca);
  const pem = readOrReport({ key, path, source }, problems);
  if (pem !== null && !pem.includes('-----BEGIN CERTIFICATE-----')) {
    problems.push({ key, got: path, wanted: 'a file with a certificate in PEM form' });
  }
  return pem;
}

function readOrReport(
  { key, path, source }: { key: string; path: string; source: RoutersFileSource },
  problems: ConfigProblem[],
): string | null {
  try {
    return source.readTextFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    problems.push({ key, got: path, wanted: `a file this process can read${code}` });
    return null;
  }
}

/** V8's own message quotes the text around the fault, which may be a password: only the line number is kept. */
function parseJson(text: string): { value: unknown } | { line: number | null } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const position = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    return { line: position === undefined ? null : text.slice(0, Number(position)).split('\n').length };
  }
}

function schemaProblem(issue: z.core.$ZodIssue, json: unknown): ConfigProblem {
  const place = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return { key: `ROUTERS_FILE${place}`, got: shownValue(issue.path, json), wanted: issue.message };
}

function shownValue(path: readonly PropertyKey[], json: unknown): string {
  if (path.at(-1) === 'password') return '[masked]';
  let value = json;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return 'nothing';
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  if (value === undefined) return 'nothing';
  // An object may hold the password: only its kind is told.
  return typeof value === 'object' ? (Array.isArray(value) ? 'a list' : 'an object') : JSON.stringify(value);
}

function reportDuplicates(entries: readonly RouterEntry[], problems: ConfigProblem[]): void {
  const seen = new Set<string>();
  entries.forEach((entry, index) => {
    if (seen.has(entry.name)) {
      problems.push({
        key: `ROUTERS_FILE[${index}].name`,
        got: entry.name,
        wanted: 'a name no other router has',
      });
    }
    seen.add(entry.name);
  });
}
