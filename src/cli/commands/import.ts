import { AutoblockError, EXIT } from '../../errors.ts';
import { importFlowFiles } from '../../log-intake/flow-csv-import.ts';
import type { Command } from '../command.ts';
import { createProgress } from '../progress.ts';
import { interruptSignal, withWorkplace } from '../session.ts';
import { timeText } from '../tables.ts';

export const importCommand: Command = {
  name: 'import',
  summary: 'read canonical flow CSV files into network_logs',
  usage: ['import FILE... [--shift-to now] [--router-id NAME] [--json]'],
  details: [
    'Columns: timestamp,source_ip,source_port,destination_ip,destination_port,protocol,action,bytes,packets and, only for',
    'evaluation, label,attack,dataset. Gzip is recognised. Each file is one transaction: it is imported wholly or not at all.',
    'Lines that cannot be read are left out, counted and listed with their numbers; the exit code is then 1.',
  ].join('\n'),
  options: {
    'shift-to': {
      type: 'string',
      placeholder: 'now',
      description: 'move each file in time so that its newest record is now',
    },
    'router-id': {
      type: 'string',
      placeholder: 'NAME',
      description: 'value for router_id (default: import)',
    },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  operands: true,
  examples: [
    'autoblock import flows.csv.gz',
    'autoblock import capture1.csv.gz capture2.csv.gz --shift-to now',
  ],
  async run(invocation) {
    const files = invocation.positionals;
    if (files.length === 0) throw new AutoblockError('USAGE', 'import: no file given');
    const shiftTo = invocation.text('shift-to');
    if (shiftTo !== undefined && shiftTo !== 'now') {
      throw new AutoblockError('USAGE', `--shift-to: got "${shiftTo}", wanted now`);
    }
    const { signal, release } = interruptSignal();
    const progress = createProgress(invocation.output, invocation.nowMs);
    try {
      return await withWorkplace(invocation, async (workplace) => {
        const { pool, relation } = await workplace.database.ready();
        const result = await importFlowFiles({
          pool,
          relation,
          files,
          shiftToMs: shiftTo === undefined ? null : invocation.nowMs(),
          routerId: invocation.text('router-id') ?? 'import',
          onProgress: ({ rows, file }) => progress.update(`importing ${file}: ${rows} rows`),
          signal,
        });
        progress.end();
        if (invocation.flag('json')) invocation.output.out(JSON.stringify(result));
        else invocation.output.out(asText(result));
        return result.badLineCount === 0 ? EXIT.ok : EXIT.failed;
      });
    } finally {
      progress.end();
      release();
    }
  },
};

function asText(result: Awaited<ReturnType<typeof importFlowFiles>>): string {
  return [
    ...result.files.map(
      (file) => `${file.file}: ${file.rows} rows, ${timeText(file.fromMs)} to ${timeText(file.toMs)}`,
    ),
    `${result.rows} rows imported, ${result.badLineCount} bad lines left out`,
    ...result.badLines.map(({ file, line, reason }) => `  ${file}:${line}: ${reason}`),
    ...(result.badLineCount > result.badLines.length
      ? [`  and ${result.badLineCount - result.badLines.length} more`]
      : []),
  ].join('\n');
}
