import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { canonicalText } from '../ip/address.ts';
import type { ConfigProblem } from './config-problem.ts';
import { HOST_WANTED, isHost } from './parse-option.ts';
import type { RouterConfig } from './router-config.ts';
import {
  ADDRESS_LIST_PATTERN,
  ADDRESS_LIST_WANTED,
  COMMANDS_IN_FLIGHT,
  MAX_ENTRIES,
} from './router-options.ts';
import { defaultRouterPort, type RouterTlsTexts, readRouterTls } from './router-tls.ts';
import { readPassword, type SecretFiles } from './secret-files.ts';

const printable = z
  .string()
  .min(1)
  .max(128)
  // It stands in tables, logs and commands: an escape sequence would be carried out by the terminal.
  .regex(/^\P{Cc}*$/u, { error: 'text without control characters' });
const listName = z.string().regex(ADDRESS_LIST_PATTERN, { error: ADDRESS_LIST_WANTED });

const routerSchema = z.strictObject({
  name: printable,
  host: z.string().refine(isHost, { error: HOST_WANTED }),
  port: z.int().min(1).max(65_535).optional(),
  user: printable,
  password: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  passwordCredential: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, { error: 'the name of a systemd credential' })
    .optional(),
  tls: z.boolean().optional(),
  ca: z.string().min(1).optional(),
  fingerprint: z.string().min(1).optional(),
  insecure: z.boolean().optional(),
  addressList: listName.optional(),
  addressListV6: listName.optional(),
  scope: z
    .strictObject({
      families: z
        .array(z.enum(['ipv4', 'ipv6']))
        .min(1)
        .optional(),
      origins: z
        .array(z.enum(['auto', 'review', 'manual']))
        .min(1)
        .optional(),
    })
    .optional(),
  dryRun: z.boolean().optional(),
  maxEntries: z.int().min(MAX_ENTRIES.min).max(MAX_ENTRIES.max).optional(),
  commandsInFlight: z.int().min(COMMANDS_IN_FLIGHT.min).max(COMMANDS_IN_FLIGHT.max).optional(),
});

type RouterEntry = z.infer<typeof routerSchema>;

export interface RoutersFileSource {
  /** Absolute. */
  readonly path: string;
  readonly files: SecretFiles;
  /** For routers that say nothing of their own. */
  readonly defaults: Pick<RouterConfig, 'addressListV4' | 'addressListV6' | 'maxEntries'>;
}

/** Reads the JSON list of routers; everything wrong with it is added to `problems`, and the list is then empty or short. */
export function readRoutersFile(source: RoutersFileSource, problems: ConfigProblem[]): RouterConfig[] {
  const text = source.files.read({ key: 'ROUTERS_FILE', path: source.path }, problems);
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
  if (parsed.data.some((entry) => entry.password !== undefined)) {
    source.files.warnWhenOpen({ key: 'ROUTERS_FILE', path: source.path });
  }
  const routers = parsed.data.map((entry, index) => routerOf({ entry, index, source }, problems));
  reportSharedLists(routers, problems);
  return routers;
}

function routerOf(
  { entry, index, source }: { entry: RouterEntry; index: number; source: RoutersFileSource },
  problems: ConfigProblem[],
): RouterConfig {
  const place = `ROUTERS_FILE[${index}]`;
  const { defaults, files } = source;
  // Paths are relative to the file that names them, so that the files can be moved together.
  const resolvePath = (path: string) => resolve(dirname(source.path), path);
  const tls = readRouterTls(tlsTexts(entry, place), { files, resolvePath }, problems);
  return {
    name: entry.name,
    host: entry.host,
    port: entry.port ?? defaultRouterPort(tls),
    user: entry.user,
    password: passwordOf({ entry, place, files, resolvePath }, problems),
    tls,
    addressListV4: entry.addressList ?? defaults.addressListV4,
    addressListV6: entry.addressListV6 ?? entry.addressList ?? defaults.addressListV6,
    scope: {
      families: (entry.scope?.families ?? ['ipv4', 'ipv6']).map((name) => (name === 'ipv4' ? 4 : 6)),
      origins: entry.scope?.origins ?? ['auto', 'review', 'manual'],
    },
    dryRun: entry.dryRun ?? false,
    maxEntries: entry.maxEntries ?? defaults.maxEntries,
    commandsInFlight: entry.commandsInFlight ?? COMMANDS_IN_FLIGHT.default,
  };
}

function tlsTexts(entry: RouterEntry, place: string): RouterTlsTexts {
  return {
    tls: entry.tls ?? true,
    insecure: entry.insecure ?? false,
    ca: entry.ca ?? null,
    fingerprint: entry.fingerprint ?? null,
    keys: {
      tls: `${place}.tls`,
      insecure: `${place}.insecure`,
      ca: `${place}.ca`,
      fingerprint: `${place}.fingerprint`,
    },
  };
}

function passwordOf(
  given: { entry: RouterEntry; place: string; files: SecretFiles; resolvePath: (path: string) => string },
  problems: ConfigProblem[],
): string {
  const { entry, place, files, resolvePath } = given;
  const { password = null, passwordFile = null, passwordCredential = null } = entry;
  const sources = [
    { key: `${place}.password`, text: password },
    { key: `${place}.passwordFile`, file: passwordFile === null ? null : resolvePath(passwordFile) },
    { key: `${place}.passwordCredential`, credential: passwordCredential },
  ];
  const wanted = 'exactly one of password, passwordFile and passwordCredential';
  return readPassword({ place, sources, wanted, files }, problems);
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
  // Also where the password itself was written in the place of its credential's name.
  if (['password', 'passwordCredential'].includes(String(path.at(-1)))) return '[masked]';
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

/** Each of the two would take off what the other one puts there, for ever. */
function reportSharedLists(routers: readonly RouterConfig[], problems: ConfigProblem[]): void {
  const owners = new Map<string, string>();
  routers.forEach(({ name, host, port, addressListV4, addressListV6 }, index) => {
    const lists = [
      { family: 4, list: addressListV4 },
      { family: 6, list: addressListV6 },
    ];
    const places = lists.map(({ family, list }) => JSON.stringify([hostKey(host), port, family, list]));
    const owner = places.flatMap((place) => owners.get(place) ?? [])[0];
    if (owner !== undefined) {
      problems.push({
        key: `ROUTERS_FILE[${index}]`,
        got: `${host} port ${port}, address lists ${addressListV4} and ${addressListV6}`,
        wanted: `lists of its own: router "${owner}" keeps the same one on the same host`,
      });
    }
    for (const place of places) owners.set(place, owner ?? name);
  });
}

function hostKey(host: string): string {
  return canonicalText(host) ?? host.toLowerCase();
}
