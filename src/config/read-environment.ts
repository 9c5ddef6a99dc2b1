import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { AutoblockError } from '../errors.ts';
import type { Environment } from './load-config.ts';

export interface ReadEnvironmentInput {
  /** Directory that may hold a `.env`. */
  readonly cwd: string;
  readonly processEnv: Environment;
}

/**
 * The environment of the process, completed by `.env` of the working directory: a variable the process has, even an
 * empty one, wins over the file. Throws CONFIG_INVALID when a `.env` is there but cannot be read.
 */
export function readEnvironment({ cwd, processEnv }: ReadEnvironmentInput): Environment {
  const path = resolve(cwd, '.env');
  try {
    return { ...parse(readFileSync(path, 'utf8')), ...processEnv };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    if (code === 'ENOENT') return processEnv;
    throw new AutoblockError('CONFIG_INVALID', `cannot read ${path}: ${code}`, { cause: error });
  }
}
