/**
 * `npm test`: prepares the checkout, runs every static check even when one fails, then all tests. Arguments go to
 * vitest. The last line counts the tests; the exit code is 0 only when checks and tests are all in order.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { prepare } from './bootstrap.mjs';
import { collectChild } from './child-process.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const AT_ONCE = 2;

/** The programs by path, not through npm: five npm processes would cost seconds and hide exit codes. */
const CHECKS = [
  { name: 'types (tsc)', script: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint (eslint)', script: 'eslint/bin/eslint.js', args: ['.'] },
  { name: 'format (biome)', script: '@biomejs/biome/bin/biome', args: ['check', '.'] },
  {
    name: 'imports (dependency-cruiser)',
    script: 'dependency-cruiser/bin/dependency-cruise.mjs',
    args: ['src'],
  },
  { name: 'unused code (knip)', script: 'knip/bin/knip.js', args: [] },
];

function heading(text) {
  process.stdout.write(`\n=== ${text}\n`);
}

/** @returns {Promise<string[]>} names of the failed checks */
async function runChecks() {
  const waiting = [...CHECKS];
  const failed = [];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const script = join(ROOT, 'node_modules', check.script);
      const result = await collectChild({
        command: process.execPath,
        args: [script, ...check.args],
        cwd: ROOT,
      });
      heading(`${check.name}: ${result.code === 0 ? 'ok' : 'FAILED'} in ${result.seconds.toFixed(1)} s`);
      if (result.code !== 0) {
        process.stdout.write(result.output);
        failed.push(check.name);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failed;
}

/** Runs vitest on our own output and reads its counts from its report. */
async function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-test-'));
  const report = join(directory, 'report.json');
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const code = await new Promise((done) => {
      const options = { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] };
      const child = spawn(process.execPath, [vitest, 'run', '--coverage', ...reporters, ...args], options);
      child.once('error', () => done(127));
      child.once('close', (exitCode) => done(exitCode ?? 128));
    });
    return { code, counts: existsSync(report) ? countsOf(JSON.parse(readFileSync(report, 'utf8'))) : null };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A test file that could not even be loaded has no tests to count: it counts as one failure. */
function countsOf(report) {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @returns {Promise<string | null>} null when all is in order, else the step that failed */
async function prepareOrName() {
  try {
    await prepare();
    return null;
  } catch (error) {
    if (error.exitCode === undefined) throw error;
    process.stdout.write(`${error.message}\n`);
    // Without dependencies there is nothing to check with; a failed build still leaves everything else to look at.
    return error.exitCode === 1 ? 'build' : 'preparation';
  }
}

async function run() {
  const startedMs = performance.now();
  heading('preparing');
  const unprepared = await prepareOrName();
  if (unprepared === 'preparation') {
    process.stdout.write('nothing was checked\n0 passed, 0 failed, 0 skipped\n');
    return 1;
  }
  const failedChecks = [...(unprepared === null ? [] : [unprepared]), ...(await runChecks())];
  heading('tests (vitest)');
  const { code, counts } = await runTests(process.argv.slice(2));
  heading(`total ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  const verdict = failedChecks.length === 0 ? 'all ok' : `FAILED: ${failedChecks.join(', ')}`;
  process.stdout.write(`static checks: ${verdict}\n`);
  if (code !== 0 && (counts?.failed ?? 0) === 0) {
    process.stdout.write(
      `vitest ended with exit code ${code} although no test failed: see its errors above\n`,
    );
  }
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return code === 0 && failed === 0 && failedChecks.length === 0 ? 0 : 1;
}

process.exitCode = await run();
