import { effectiveConfig } from '../../config/effective-config.ts';
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
    const routers = config.routers.map(({ name, host, port, tls, addressList }) => [
      name,
      `${host}:${port}`,
      tls,
      addressList,
    ]);
    invocation.output.out(
      invocation.flag('json')
        ? JSON.stringify(settings)
        : [
            renderTable(['SETTING', 'VALUE', 'FROM'], rows),
            '',
            routers.length === 0
              ? 'no router configured'
              : renderTable(['ROUTER', 'ADDRESS', 'TLS', 'LIST'], routers),
          ].join('\n'),
    );
    return Promise.resolve(EXIT.ok);
  },
};
