/**
 * Makes a fresh clone runnable: installs dependencies when they differ from package-lock.json, compiles the native
 * module when it does not load, builds `dist` when the sources changed. An installed package (no `src`) is left as it
 * is. Everything said here goes to stderr: stdout belongs to the command, which may print JSON.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runChild } from './child-process.mjs';
import { withLock } from './process-lock.mjs';

const ROOT = resolve(import.meta.dirname, '..');
/** Ignored by git and on the same file system as `dist`, so that a finished build is moved there by a rename. */
const SCRATCH = join(ROOT, '.autoblock');
const LOCK = join(SCRATCH, 'bootstrap.lock');
const BUILT_FROM = join(ROOT, 'dist', '.built-from.json');

const EXIT_FAILED = 1;
const EXIT_UNAVAILABLE = 3;

const TOOLCHAIN = `better-sqlite3 has a native part. Where its prebuilt binary cannot be had it is compiled, which needs
  Debian, Ubuntu:       apt-get install -y g++ make python3
  AlmaLinux, RHEL, Fedora: dnf install -y gcc-c++ make python3
then start again.`;

/** Prepares everything and runs the command line; resolves to its exit code. */
export async function start(argv) {
  await prepare();
  const entry = join(ROOT, 'dist', 'cli', 'main.js');
  if (!existsSync(entry)) throw failure(`${entry} is missing: the installation is incomplete`, EXIT_FAILED);
  const { main } = await import(pathToFileURL(entry).href);
  return main(argv);
}

/** Does what is needed, and nothing when nothing is. Several processes may call it at once. */
export async function prepare() {
  if (!existsSync(join(ROOT, 'src'))) {
    const fault = nativeFault();
    if (fault !== null) throw failure(nativeMessage(fault), EXIT_UNAVAILABLE);
    return;
  }
  if (isPrepared()) return;
  mkdirSync(SCRATCH, { recursive: true });
  await withLock({ path: LOCK, say }, async () => {
    // Looked at again under the lock: the process we waited for may have done it all.
    if (!dependenciesMatchLockfile()) await installDependencies();
    if (nativeFault() !== null) await rebuildNative();
    if (!buildIsCurrent()) await build();
  });
}

function isPrepared() {
  return dependenciesMatchLockfile() && nativeFault() === null && buildIsCurrent();
}

function say(text) {
  process.stderr.write(`autoblock: ${text}\n`);
}

function failure(message, exitCode) {
  return Object.assign(new Error(message), { exitCode });
}

/**
 * Compares contents, not times: git and npm touch both files in any order. A package that is missing from node_modules
 * is in order only when it is optional, that is, for another platform.
 */
function dependenciesMatchLockfile() {
  const installed = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  if (installed === undefined || wanted === undefined) return wanted === undefined;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined)
      return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function readJson(path) {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // A file npm was interrupted in writing counts as none: the install that follows writes it anew.
    return undefined;
  }
}

async function installDependencies() {
  // Whatever NODE_ENV says, a checkout needs the compiler to build itself.
  const args = ['--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const title = 'installing dependencies (npm ci; about a minute the first time)';
  let code = await runChild({ title, command: 'npm', args: ['ci', ...args], cwd: ROOT, say });
  if (code !== 0 && !lockfileIsComplete()) {
    // npm writes no entry for an optional package its registry did not have, and `npm ci` then refuses its own lockfile.
    const retry = 'package-lock.json lacks packages for other platforms: going on without them (npm install)';
    code = await runChild({
      title: retry,
      command: 'npm',
      args: ['install', '--no-save', ...args],
      cwd: ROOT,
      say,
    });
  }
  if (code !== 0)
    throw failure(`the installation failed (npm exit ${code}), see above.\n${TOOLCHAIN}`, EXIT_UNAVAILABLE);
}

/** True when every optional package that some package names has an entry of its own. */
function lockfileIsComplete() {
  const packages = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {};
  const paths = Object.keys(packages);
  return Object.values(packages).every((entry) =>
    Object.keys(entry.optionalDependencies ?? {}).every((name) =>
      paths.some((path) => path.endsWith(`node_modules/${name}`)),
    ),
  );
}

/** Null when better-sqlite3 opens a database; else the reason it does not. */
function nativeFault() {
  try {
    const Database = createRequire(join(ROOT, 'package.json'))('better-sqlite3');
    new Database(':memory:').close();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function nativeMessage(fault) {
  return `better-sqlite3 does not load with Node ${process.versions.node}: ${fault.split('\n')[0]}
After a change of the Node version run: npm rebuild better-sqlite3   (in ${ROOT})
${TOOLCHAIN}`;
}

async function rebuildNative() {
  const title = `compiling better-sqlite3 for Node ${process.versions.node} (about a minute)`;
  await runChild({ title, command: 'npm', args: ['rebuild', 'better-sqlite3'], cwd: ROOT, say });
  // A fresh process decides: in this one the failed library may still be remembered.
  const probe = "new (require('better-sqlite3'))(':memory:').close()";
  const code = await runChild({
    title: null,
    command: process.execPath,
    args: ['-e', probe],
    cwd: ROOT,
    say,
  });
  if (code !== 0) throw failure(nativeMessage('see above'), EXIT_UNAVAILABLE);
}

function buildIsCurrent() {
  const built = readJson(BUILT_FROM);
  return built !== undefined && built.newestMs === newestSourceMs();
}

/** Latest change of anything the build reads. Folders count too: deleting a file changes only its folder. */
function newestSourceMs() {
  const files = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => join(ROOT, name));
  const source = join(ROOT, 'src');
  const below = readdirSync(source, { recursive: true }).map((name) => join(source, name));
  return Math.max(...[...files, source, ...below].map((path) => statSync(path).mtimeMs));
}

/** Builds beside and renames, so that a failed or interrupted build never leaves half a `dist`. */
async function build() {
  const next = join(SCRATCH, 'dist.next');
  const previous = join(SCRATCH, 'dist.previous');
  rmSync(next, { recursive: true, force: true });
  // Taken before the compiler reads: what is edited meanwhile shows as newer afterwards.
  const newestMs = newestSourceMs();
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const output = ['--outDir', next, '--tsBuildInfoFile', join(next, '.tsbuildinfo')];
  const args = [tsc, '-p', 'tsconfig.build.json', ...output];
  const code = await runChild({
    title: 'building dist (tsc)',
    command: process.execPath,
    args,
    cwd: ROOT,
    say,
  });
  if (code !== 0) throw failure('the build failed, see the compiler messages above', EXIT_FAILED);
  writeFileSync(join(next, '.built-from.json'), `${JSON.stringify({ newestMs })}\n`);
  rmSync(previous, { recursive: true, force: true });
  if (existsSync(join(ROOT, 'dist'))) renameSync(join(ROOT, 'dist'), previous);
  renameSync(next, join(ROOT, 'dist'));
  rmSync(previous, { recursive: true, force: true });
}
