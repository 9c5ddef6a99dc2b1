import type { ConfigProblem } from './config-problem.ts';
import type { OptionValues } from './options.ts';
import type { RouterConfig } from './router-config.ts';
import { COMMANDS_IN_FLIGHT } from './router-options.ts';
import { defaultRouterPort, readRouterTls } from './router-tls.ts';
import { readPassword, type SecretFiles } from './secret-files.ts';

export const SINGLE_ROUTER_KEYS = [
  'routerHost',
  'routerPort',
  'routerUser',
  'routerPassword',
  'routerPasswordFile',
  'routerTls',
  'routerCaFile',
  'routerFingerprint',
  'routerTlsInsecure',
] as const;

export type SingleRouterKey = (typeof SINGLE_ROUTER_KEYS)[number];

/** Settings of the one router, which mean nothing without ROUTER_HOST. */
export const SINGLE_ROUTER_SETTINGS = [
  'ROUTER_PORT',
  'ROUTER_USER',
  'ROUTER_PASSWORD',
  'ROUTER_PASSWORD_FILE',
  'ROUTER_TLS',
  'ROUTER_CA_FILE',
  'ROUTER_FINGERPRINT',
  'ROUTER_TLS_INSECURE',
];

/** Handed over by systemd: `LoadCredential=router-password:/etc/autoblock/router-password`. */
const PASSWORD_CREDENTIAL = 'router-password';

/** The one router of the environment; everything wrong with it is added to `problems`. */
export function readSingleRouter(
  given: {
    host: string;
    values: OptionValues;
    files: SecretFiles;
    defaults: Pick<RouterConfig, 'addressListV4' | 'addressListV6' | 'maxEntries'>;
  },
  problems: ConfigProblem[],
): RouterConfig {
  const { host, values, files, defaults } = given;
  if (values.routerUser === null) {
    problems.push({ key: 'ROUTER_USER', got: 'nothing', wanted: 'a value, because ROUTER_HOST is set' });
  }
  const password = passwordOf({ values, files }, problems);
  const tls = readRouterTls(
    {
      tls: values.routerTls,
      insecure: values.routerTlsInsecure,
      ca: values.routerCaFile,
      fingerprint: values.routerFingerprint,
      keys: {
        tls: 'ROUTER_TLS',
        insecure: 'ROUTER_TLS_INSECURE',
        ca: 'ROUTER_CA_FILE',
        fingerprint: 'ROUTER_FINGERPRINT',
      },
    },
    { files, resolvePath: (path) => path },
    problems,
  );
  return {
    name: host,
    host,
    port: values.routerPort ?? defaultRouterPort(tls),
    user: values.routerUser ?? '',
    password,
    tls,
    ...defaults,
    scope: { families: [4, 6], origins: ['auto', 'review', 'manual'] },
    dryRun: false,
    commandsInFlight: COMMANDS_IN_FLIGHT.default,
  };
}

function passwordOf(
  { values, files }: { values: OptionValues; files: SecretFiles },
  problems: ConfigProblem[],
): string {
  const { routerPassword, routerPasswordFile } = values;
  const isSaid = routerPassword !== null || routerPasswordFile !== null;
  // Only where nothing else is said: a unit file may hand the credential over to whoever does not use it.
  const credential =
    isSaid || files.credentialPath(PASSWORD_CREDENTIAL) === null ? null : PASSWORD_CREDENTIAL;
  const sources = [
    { key: 'ROUTER_PASSWORD', text: routerPassword },
    { key: 'ROUTER_PASSWORD_FILE', file: routerPasswordFile },
    { key: `credential ${PASSWORD_CREDENTIAL}`, credential },
  ];
  const wanted = isSaid
    ? 'only one of the two'
    : 'a value, because ROUTER_HOST is set (or ROUTER_PASSWORD_FILE, or the systemd credential router-password)';
  return readPassword({ place: 'ROUTER_PASSWORD', sources, wanted, files }, problems);
}
