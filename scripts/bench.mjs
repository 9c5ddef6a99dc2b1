/**
 * `npm run bench -- NAME [options]`: brings dist/ up to date and runs scripts/bench/NAME.mjs, which exports
 * `description` (one line) and `run(args)`. Measures go to stdout, everything else to stderr.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const BENCHES = join(import.meta.dirname, 'bench');

const names = readdirSync(BENCHES)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort();

/** Incremental, so seconds the first time and next to nothing after. Throws when the sources do not compile. */
function build() {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (status !== 0) throw new Error('the sources do not compile (see above), so there is nothing to measure');
}

async function help() {
  const lines = [];
  for (const name of names) {
    const { description } = await import(`./bench/${name}.mjs`);
    lines.push(`  ${name.padEnd(10)} ${description}`);
  }
  return ['npm run bench -- NAME [options]', '', ...lines, '', 'NAME --help shows its options.'].join('\n');
}

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h') {
  console.log(await help());
} else if (!names.includes(name)) {
  console.error(`no bench is called ${name}; there are: ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    const bench = await import(`./bench/${name}.mjs`);
    if (!args.includes('--help') && !args.includes('-h')) build();
    await bench.run(args);
  } catch (thrown) {
    console.error(`bench ${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    process.exitCode = thrown?.code?.startsWith?.('ERR_PARSE_ARGS') ? 2 : 1;
  }
}
