import { effectiveConfig } from '../../config/effective-config.ts';
import type { RouterConfig } from '../../config/router-config.ts';
import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { configFrom, currentEnvironment } from '../session.ts';
import { renderTable } from '../tables.ts';

export const configCommand: Command = {
  name: 'config',
  summary: 'the effective settings, secrets masked; all problems at once',
  usage: ['config [--json]'],
  details:
    'Exit code 2 when a setting is wrong; every problem is listed with what was found and what was wanted.',
  options: { json: { type: 'boolean', description: 'JSON on stdout' } },
  examples: ['autoblock config', 'CONFIDENCE_HIGH=99 autoblock config'],
  run(invocation) {
    const env = currentEnvironment();
    const config = configFrom(env);
    const settings = effectiveConfig(config, env);
    for (const warning of config.warnings) invocation.output.err(`warning: ${warning}`);
    const rows = settings.map(({ key, value, source }) => [key, value, source]);
    const routers = config.routers.map(routerRow);
    invocation.output.out(
      invocation.flag('json')
        ? JSON.stringify(settings)
        : [
            renderTable(['SETTING', 'VALUE', 'FROM'], rows),
            '',
            routers.length === 0
              ? 'no router configured'
              : renderTable(['ROUTER', 'ADDRESS', 'USER', 'TLS', 'LISTS', 'GETS', 'MOST ENTRIES'], routers),
          ].join('\n'),
    );
    return Promise.resolve(EXIT.ok);
  },
};

function routerRow(router: RouterConfig): string[] {
  const { scope, addressListV4, addressListV6 } = router;
  const lists = addressListV4 === addressListV6 ? addressListV4 : `${addressListV4}, IPv6: ${addressListV6}`;
  const families = scope.families.map((family) => `IPv${family}`).join(' ');
  return [
    router.name,
    `${router.host}:${router.port}`,
    router.user,
    tlsText(router.tls),
    lists,
    `${families}, ${scope.origins.join(' ')}${router.dryRun ? ', dry run' : ''}`,
    String(router.maxEntries),
  ];
}

function tlsText(tls: RouterConfig['tls']): string {
  if (tls.mode === 'plain') return 'off';
  if (tls.mode === 'unverified') return 'not verified';
  const by = [
    ...(tls.fingerprint === null ? [] : [`pin ${tls.fingerprint.slice(0, 16)}…`]),
    ...(tls.caPem === null ? [] : ['own CA']),
  ];
  return by.length === 0 ? 'system CAs' : by.join(', ');
}
