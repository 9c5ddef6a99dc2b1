import type { Workplace } from '../../daemon/workplace.ts';
import { decodeModel } from '../../detector/model-files.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import type { Command, Invocation } from '../command.ts';
import { withWorkplace } from '../session.ts';
import { renderTable } from '../tables.ts';

export const modelsCommand: Command = {
  name: 'models',
  summary: 'trained models: list, use a certain one, go back to the one before',
  usage: ['models list [--json]', 'models use VERSION', 'models rollback'],
  details:
    'A running daemon loads the chosen model before its next detection. Only models that verify can be chosen.',
  options: { json: { type: 'boolean', description: 'JSON on stdout' } },
  examples: ['autoblock models list', 'autoblock models rollback'],
  run(invocation) {
    const [verb, version] = invocation.positionals;
    return withWorkplace(invocation, (workplace) => {
      switch (verb) {
        case 'list':
          return Promise.resolve(list(invocation, workplace));
        case 'use':
          if (version === undefined) throw new AutoblockError('USAGE', 'models use: no version given');
          return Promise.resolve(use(invocation, workplace, version));
        case 'rollback':
          return Promise.resolve(rollback(invocation, workplace));
        default:
          throw new AutoblockError(
            'USAGE',
            `models: got "${verb ?? 'nothing'}", wanted list, use or rollback`,
          );
      }
    });
  },
};

function list(invocation: Invocation, { registry }: Workplace): number {
  const models = registry.list();
  if (invocation.flag('json')) {
    invocation.output.out(JSON.stringify(models));
    return EXIT.ok;
  }
  const rows = models.map((model) => [
    model.version,
    model.createdAt,
    model.latest ? 'latest' : '',
    model.valid ? 'ok' : (model.problem ?? 'not usable'),
  ]);
  invocation.output.out(
    models.length === 0
      ? 'no model yet: `autoblock train` makes one'
      : renderTable(['VERSION', 'TRAINED', 'IN USE', 'STATE'], rows),
  );
  return EXIT.ok;
}

/** The model is decoded before it is promoted: what cannot be used never becomes latest. */
function use(invocation: Invocation, { registry }: Workplace, version: string): number {
  const stored = registry.read(version);
  decodeModel(stored.files, stored.metadata);
  registry.promote(version);
  invocation.output.out(`model ${version} is now the latest`);
  return EXIT.ok;
}

function rollback(invocation: Invocation, workplace: Workplace): number {
  const version = workplace.registry.previous();
  if (version === null) throw new AutoblockError('NOT_FOUND', 'there is no earlier model to go back to');
  return use(invocation, workplace, version);
}
