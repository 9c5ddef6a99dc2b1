import type { Workplace } from '../../daemon/workplace.ts';
import { decodeModel } from '../../detector/model-files.ts';
import { AutoblockError, EXIT } from '../../errors.ts';
import { type Command, type Invocation, refuseOperands } from '../command.ts';
import { latestModelState } from '../latest-model-state.ts';
import { modelText } from '../model-text.ts';
import { withWorkplace } from '../session.ts';
import { renderTable, timeText } from '../tables.ts';

export const modelsCommand: Command = {
  name: 'models',
  summary: 'trained models: list, show what was learnt, use a certain one, go back to the one before',
  usage: ['models list [--json]', 'models show [VERSION] [--json]', 'models use VERSION', 'models rollback'],
  details: [
    'A running daemon loads the chosen model before its next detection. Only models that verify can be chosen.',
    'show tells of the latest model, or of VERSION: what it learnt from, which features it looks at in short and long',
    'windows and why, and how often what it calls risky was an attack by operator verdicts.',
    'rollback goes to the model that was the latest before; again, one further back. use leads forth, too.',
  ].join('\n'),
  options: { json: { type: 'boolean', description: 'JSON on stdout' } },
  operands: true,
  examples: [
    'autoblock models list',
    'autoblock models show',
    'autoblock models use 20260131T030000000Z',
    'autoblock models rollback',
  ],
  run(invocation) {
    const [verb, ...operands] = invocation.positionals;
    return withWorkplace(invocation, (workplace) => {
      switch (verb) {
        case 'list':
          refuseOperands('models list', operands);
          return Promise.resolve(list(invocation, workplace));
        case 'show':
          return Promise.resolve(show(invocation, workplace, operands));
        case 'use':
          return Promise.resolve(use(invocation, workplace, oneVersion(operands)));
        case 'rollback':
          refuseOperands('models rollback', operands);
          return Promise.resolve(rollback(invocation, workplace));
        default:
          throw new AutoblockError(
            'USAGE',
            `models: got "${verb ?? 'nothing'}", wanted list, show, use or rollback`,
          );
      }
    });
  },
};

function oneVersion([version, ...rest]: readonly string[]): string {
  if (version === undefined) throw new AutoblockError('USAGE', 'models use: no version given');
  refuseOperands(`models use ${version}`, rest);
  return version;
}

function list(invocation: Invocation, { config, registry }: Workplace): number {
  const models = registry.list();
  const latest = latestModelState({ config, registry });
  if (invocation.flag('json')) {
    invocation.output.out(JSON.stringify({ models, latestProblem: latest.problem }));
    return EXIT.ok;
  }
  const rows = models.map((model) => [
    model.version,
    timeText(model.createdAt === '' ? null : Date.parse(model.createdAt)),
    model.latest ? 'latest' : '',
    model.valid ? 'ok' : (model.problem ?? 'not usable'),
  ]);
  invocation.output.out(
    models.length === 0
      ? 'no model yet: `autoblock train` makes one'
      : renderTable(['VERSION', 'TRAINED', 'LATEST', 'STATE'], rows),
  );
  if (latest.problem !== null) {
    const cure = models.some((model) => model.valid) ? '`autoblock models use VERSION`' : '`autoblock train`';
    invocation.output.out(
      `\nthe latest model is not usable: ${latest.problem}\n${cure} puts a sound one in place`,
    );
  }
  return EXIT.ok;
}

function show(
  invocation: Invocation,
  { registry }: Workplace,
  [version, ...rest]: readonly string[],
): number {
  refuseOperands(`models show ${version ?? ''}`.trim(), rest);
  const stored = version === undefined ? registry.readLatest() : registry.read(version);
  if (stored === null) throw new AutoblockError('MODEL_MISSING', 'there is no model yet');
  const { metadata } = decodeModel(stored.files, stored.metadata);
  invocation.output.out(invocation.flag('json') ? JSON.stringify(metadata) : modelText(metadata));
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
