import { EXIT } from '../../errors.ts';
import { runSelfTest } from '../../evaluation/self-test.ts';
import { type Command, wholeNumber } from '../command.ts';
import { selfTestReport } from '../self-test-report.ts';

const DEFAULT_SAMPLES = 10_000;

export const selftestCommand: Command = {
  name: 'selftest',
  summary: 'does the detector itself work on this machine? 10,000 synthetic samples',
  usage: ['selftest [--seed N] [--json]'],
  details: [
    '90 % normal and 10 % attack samples made at flow level; trains on 70 % of the normal ones and judges the rest.',
    'Needs no database, router or configuration. Exit code 1 when a criterion is missed.',
  ].join('\n'),
  options: {
    seed: { type: 'string', placeholder: 'N', description: 'another synthetic set (default 42)' },
    json: { type: 'boolean', description: 'one JSON object on stdout' },
  },
  examples: ['autoblock selftest', 'autoblock selftest --seed 7 --json'],
  run(invocation) {
    const limits = { fallback: 42, min: 0, max: 2 ** 31 - 1 };
    const seed = wholeNumber('seed', invocation.text('seed'), limits);
    const result = runSelfTest({ seed, samples: DEFAULT_SAMPLES });
    invocation.output.out(invocation.flag('json') ? JSON.stringify(result) : selfTestReport(result));
    return Promise.resolve(result.passed ? EXIT.ok : EXIT.failed);
  },
};
