import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 200;

/**
 * Runs `work` while no other process on this machine holds the lock file. A lock whose process is gone is taken over.
 * @template T
 * @param {{ path: string, say: (text: string) => void }} lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock({ path, say }, work) {
  let told = false;
  while (!acquire(path)) {
    const holder = holderOf(path);
    if (holder !== null && !isAlive(holder)) {
      takeAway({ path, holder });
    } else {
      if (!told && holder !== null)
        say(`waiting for process ${holder}, which is installing or building (by ${path})`);
      told = told || holder !== null;
      await delay(POLL_MS);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** A link appears with its content or not at all: nobody ever reads a lock without a process id. */
function acquire(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Process id in the lock file; null when it has just been released. */
function holderOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Renamed before it is removed: of several processes that see a dead holder only one gets the file. */
function takeAway({ path, holder }) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    // Between reading and renaming another process may have taken over: then this is its live lock, and it goes back.
    if (Number(readFileSync(aside, 'utf8')) !== holder) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
