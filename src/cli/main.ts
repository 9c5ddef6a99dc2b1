import { readFileSync } from 'node:fs';
import { AutoblockError, ERROR_TABLE, EXIT, messageOf } from '../errors.ts';
import { alignColumns, type Command, commandHelp, type Output, parseInvocation } from './command.ts';
import { auditCommand } from './commands/audit.ts';
import { blocksCommand } from './commands/blocks.ts';
import { configCommand } from './commands/config.ts';
import { demoCommand } from './commands/demo.ts';
import { detectCommand } from './commands/detect.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { importCommand } from './commands/import.ts';
import { modelsCommand } from './commands/models.ts';
import { panicCommand } from './commands/panic.ts';
import { reportCommand } from './commands/report.ts';
import { resumeCommand } from './commands/resume.ts';
import { reviewCommand } from './commands/review.ts';
import { routersCommand } from './commands/routers.ts';
import { runCommand } from './commands/run.ts';
import { selftestCommand } from './commands/selftest.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { trainCommand } from './commands/train.ts';
import { validateCommand } from './commands/validate.ts';

const COMMANDS: readonly Command[] = [
  runCommand,
  detectCommand,
  trainCommand,
  importCommand,
  syncCommand,
  reviewCommand,
  blocksCommand,
  panicCommand,
  resumeCommand,
  auditCommand,
  modelsCommand,
  reportCommand,
  routersCommand,
  statusCommand,
  configCommand,
  selftestCommand,
  evaluateCommand,
  validateCommand,
  demoCommand,
];

/** The whole program: arguments in, exit code out. Nothing else in the house ends the process. */
export async function main(args: readonly string[]): Promise<number> {
  const output: Output = {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(`${text}\n`),
    terminal: process.stderr.isTTY,
  };
  for (const stream of [process.stdout, process.stderr]) stream.on('error', tolerateGoneReader);
  try {
    return await dispatch(args, output);
  } catch (thrown) {
    return explain(thrown, output);
  }
}

/** `autoblock … | head`: who stops reading does not end work that is under way. */
function tolerateGoneReader(thrown: Error): void {
  if (!('code' in thrown) || thrown.code !== 'EPIPE') throw thrown;
}

async function dispatch(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'help' && rest.length > 0) return dispatch([...rest.slice(0, 1), '--help'], output);
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    output.out(overview());
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === '-V') {
    output.out(version());
    return EXIT.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    throw new AutoblockError(
      'USAGE',
      `no command "${name}"; there are ${COMMANDS.map((c) => c.name).join(', ')}`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(commandHelp(command));
    return EXIT.ok;
  }
  return command.run(parseInvocation(command, rest, { output, input: () => process.stdin, nowMs: Date.now }));
}

/** One line what happened, one line what to do; a stack only for defects. */
function explain(thrown: unknown, output: Output): number {
  if (thrown instanceof AutoblockError) {
    output.err(`autoblock: ${thrown.code}: ${thrown.message}`);
    output.err(`  ${thrown.whatToDo}`);
    return thrown.exitCode;
  }
  output.err(
    `autoblock: INTERNAL: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}`,
  );
  output.err(`  ${ERROR_TABLE.INTERNAL.whatToDo}`);
  return ERROR_TABLE.INTERNAL.exitCode;
}

function overview(): string {
  return [
    'autoblock: learns what is normal in your firewall and flow logs and blocks, on MikroTik routers, what is provably not.',
    '',
    'Usage:',
    '  autoblock COMMAND [OPTIONS]      autoblock COMMAND --help',
    '',
    'Commands:',
    ...alignColumns(COMMANDS.map((command) => [`  ${command.name}`, command.summary])),
    '',
    'Settings come from the environment and .env in the working directory: `autoblock config` lists them.',
    '',
    'Exit codes:',
    '  0 done   1 failed   2 usage or configuration   3 PostgreSQL, a router or the state is unavailable   4 refused for safety',
    '',
    'Examples:',
    '  autoblock demo                   the main job on made-up traffic and a simulated router',
    '  autoblock train && autoblock run',
    '  autoblock review list',
    '',
  ].join('\n');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
