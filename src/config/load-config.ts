import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { AutoblockError } from '../errors.ts';
import { type ConfigProblem, describeProblems } from './config-problem.ts';
import { parseDurations } from './durations.ts';
import { maskSecret } from './mask-secret.ts';
import { nearMissWarnings } from './near-miss.ts';
import type { Option } from './option.ts';
import { OPTIONS, type OptionValues } from './options.ts';
import { type OptionValue, type ParseContext, parseOption } from './parse-option.ts';
import type { RouterConfig } from './router-config.ts';
import { readRoutersFile } from './routers-file.ts';
import { createSecretFiles, type SecretFiles } from './secret-files.ts';
import {
  readSingleRouter,
  SINGLE_ROUTER_KEYS,
  SINGLE_ROUTER_SETTINGS,
  type SingleRouterKey,
} from './single-router.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Everything the process was told, checked. Keys, units, ranges and defaults: the table in `options.ts`. Paths are
 * absolute, networks canonical, the routers of either source are in `routers` (empty = detections only).
 */
export type Config = Omit<OptionValues, SingleRouterKey> & {
  readonly routers: readonly RouterConfig[];
  /** Sentences to log at start: settings that have no effect. */
  readonly warnings: readonly string[];
};

export interface LoadConfigInput {
  readonly env: Environment;
  /** True for a cron expression the scheduler accepts (`validate` of node-cron). */
  readonly isCron: (expression: string) => boolean;
  /** Directory relative paths are seen from. */
  readonly cwd?: string;
  /** Directory that holds `models` by default: the checkout or the installed package. */
  readonly programDir?: string;
  readonly readTextFile?: (path: string) => string;
  /** Permission bits of a file; default: asks the file system. */
  readonly fileMode?: (path: string) => number;
}

/** The folder above `src` or `dist`. */
const PROGRAM_DIR = resolve(import.meta.dirname, '../..');

/** Reads and checks all settings. Throws CONFIG_INVALID naming every problem at once: key, got (secrets masked), wanted. */
export function loadConfig(input: LoadConfigInput): Config {
  const problems: ConfigProblem[] = [];
  const values = readOptions(input, problems);
  checkThresholds(values, problems);
  checkShadow(values, problems);
  const files = createSecretFiles({
    readTextFile: input.readTextFile ?? ((path) => readFileSync(path, 'utf8')),
    fileMode: input.fileMode ?? ((path) => statSync(path).mode),
    credentialsDirectory: input.env['CREDENTIALS_DIRECTORY'],
  });
  const routers = readRouters({ values, files }, problems);
  if (problems.length > 0) throw new AutoblockError('CONFIG_INVALID', describeProblems(problems));

  return {
    ...withoutSingleRouter(values),
    routers,
    warnings: [...warningsAbout(input.env, routers), ...files.warnings],
  };
}

/** `routers` says it all; a second copy of the password in the configuration would only be one more to leak. */
function withoutSingleRouter(values: OptionValues): Omit<OptionValues, SingleRouterKey> {
  const dropped: readonly string[] = SINGLE_ROUTER_KEYS;
  const kept = Object.entries(values).filter(([key]) => !dropped.includes(key));
  return Object.fromEntries(kept) as unknown as Omit<OptionValues, SingleRouterKey>;
}

/** Text of an option in the environment; undefined when absent or empty. Only a password keeps its outer spaces. */
export function settingText(option: Option, env: Environment): string | undefined {
  const text = env[option.env];
  if (text === undefined || text.trim() === '') return undefined;
  return option.secret === true && option.type === 'string' ? text : text.trim();
}

function readOptions(input: LoadConfigInput, problems: ConfigProblem[]): OptionValues {
  const cwd = input.cwd ?? process.cwd();
  const directories = { cwd, programDir: input.programDir ?? PROGRAM_DIR };
  const context: ParseContext = { isCron: input.isCron, resolvePath: (path) => resolve(cwd, path) };
  const entries = OPTIONS.map((option: Option) => {
    const text = settingText(option, input.env);
    if (text === undefined) return [option.key, defaultValue(option, directories)] as const;
    const parsed = parseOption(option, text, context);
    if ('value' in parsed) return [option.key, parsed.value] as const;
    problems.push({ key: option.env, got: `"${maskSecret(option, text)}"`, wanted: parsed.wanted });
    return [option.key, defaultValue(option, directories)] as const;
  });
  // Each key of the table has just been given the type its option declares; TypeScript cannot follow that through a map.
  return Object.fromEntries(entries) as unknown as OptionValues;
}

function defaultValue(option: Option, directories: { cwd: string; programDir: string }): OptionValue | null {
  if (typeof option.default !== 'string') return option.default;
  if (option.type === 'networks') return option.default.split(',').filter((network) => network !== '');
  if (option.type === 'durations') return parseDurations(option.default);
  if (option.type !== 'path') return option.default;
  return resolve(option.besideProgram === true ? directories.programDir : directories.cwd, option.default);
}

/** The ranges imply it today; whoever widens them must not get a tier that swallows the other. */
function checkThresholds(values: OptionValues, problems: ConfigProblem[]): void {
  if (values.confidenceMedium < values.confidenceHigh) return;
  const wanted = `less than CONFIDENCE_HIGH (${values.confidenceHigh})`;
  problems.push({ key: 'CONFIDENCE_MEDIUM', got: String(values.confidenceMedium), wanted });
}

/** A detector beside itself would agree with itself and teach nothing. */
function checkShadow(values: OptionValues, problems: ConfigProblem[]): void {
  const { useHybridDetector, shadowDetector } = values;
  const [active, other] = useHybridDetector ? ['hybrid', 'legacy'] : ['legacy', 'hybrid'];
  if (shadowDetector !== active) return;
  problems.push({
    key: 'SHADOW_DETECTOR',
    got: `"${shadowDetector}", which is the active detector (USE_HYBRID_DETECTOR=${useHybridDetector})`,
    wanted: `${other} or none; to look at ${active} without acting on it, set USE_HYBRID_DETECTOR=${!useHybridDetector}`,
  });
}

function readRouters(
  { values, files }: { values: OptionValues; files: SecretFiles },
  problems: ConfigProblem[],
): RouterConfig[] {
  const { routersFile: path, routerHost: host } = values;
  if (path !== null && host !== null) {
    problems.push({
      key: 'ROUTERS_FILE',
      got: `"${path}" and ROUTER_HOST "${host}"`,
      wanted: 'only one of the two',
    });
  }
  const defaults = {
    addressListV4: values.addressList,
    addressListV6: values.addressListV6 ?? values.addressList,
    maxEntries: values.routerMaxEntries,
  };
  if (path !== null) return readRoutersFile({ path, files, defaults }, problems);
  return host === null ? [] : [readSingleRouter({ host, values, files, defaults }, problems)];
}

function warningsAbout(env: Environment, routers: readonly RouterConfig[]): string[] {
  const options: readonly Option[] = OPTIONS;
  const isSet = (name: string) =>
    options.some((option) => option.env === name && settingText(option, env) !== undefined);
  const useless = isSet('ROUTER_HOST') ? [] : SINGLE_ROUTER_SETTINGS.filter(isSet);
  return [
    ...nearMissWarnings(
      Object.keys(env),
      options.map((option) => option.env),
    ),
    ...useless.map((name) => `${name} has no effect without ROUTER_HOST`),
    ...routers.flatMap(tlsWarning),
  ];
}

function tlsWarning({ name, tls }: RouterConfig): string[] {
  if (tls.mode === 'plain') {
    return [`router ${name} is reached without TLS: its password crosses the network in plain text`];
  }
  if (tls.mode === 'verified') return [];
  return [
    `router ${name} is reached over TLS that is not verified: whoever sits in between reads its password`,
  ];
}
