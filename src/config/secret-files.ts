import { join } from 'node:path';
import type { ConfigProblem } from './config-problem.ts';

interface NamedFile {
  /** The setting that names the file. */
  readonly key: string;
  /** Absolute. */
  readonly path: string;
}

/** The files the settings name, read once each; what others may read is remembered as a warning. */
export interface SecretFiles {
  /** The text, or null after a problem was reported. */
  read(file: NamedFile, problems: ConfigProblem[]): string | null;
  /** Adds a warning when group or world may read the file, which holds a password. */
  warnWhenOpen(file: NamedFile): void;
  /** Path of a systemd credential; null when the service manager handed none over. */
  credentialPath(name: string): string | null;
  readonly warnings: readonly string[];
}

export interface SecretFilesInput {
  readonly readTextFile: (path: string) => string;
  /** Permission bits of a file. */
  readonly fileMode: (path: string) => number;
  /** `$CREDENTIALS_DIRECTORY`, set by systemd for units with LoadCredential=. */
  readonly credentialsDirectory: string | undefined;
}

const GROUP_OR_WORLD_READ = 0o044;

export function createSecretFiles(input: SecretFilesInput): SecretFiles {
  const warnings: string[] = [];
  return {
    warnings,
    read({ key, path }, problems) {
      try {
        return input.readTextFile(path);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
        problems.push({ key, got: path, wanted: `a file this process can read${code}` });
        return null;
      }
    },
    warnWhenOpen({ key, path }) {
      const mode = input.fileMode(path) & 0o777;
      if ((mode & GROUP_OR_WORLD_READ) === 0) return;
      warnings.push(
        `${key}: ${path} holds a password and others may read it (mode ${mode.toString(8).padStart(4, '0')}): chmod 600 it`,
      );
    },
    credentialPath(name) {
      const { credentialsDirectory: directory } = input;
      return directory === undefined || directory === '' ? null : join(directory, name);
    },
  };
}

/** A place a password may come from; null where the operator named none. */
export type PasswordSource =
  | { readonly key: string; readonly text: string | null }
  | { readonly key: string; readonly file: string | null }
  | { readonly key: string; readonly credential: string | null };

/** The password from the one source that is given; empty text after a problem was reported. */
export function readPassword(
  asked: {
    /** Names the whole in a problem about none or several sources. */
    readonly place: string;
    readonly sources: readonly PasswordSource[];
    readonly wanted: string;
    readonly files: SecretFiles;
  },
  problems: ConfigProblem[],
): string {
  const given = asked.sources.filter((source) => valueOf(source) !== null);
  const [source] = given;
  if (source === undefined || given.length > 1) {
    const got = given.length === 0 ? 'nothing' : given.map(({ key }) => key).join(' and ');
    problems.push({ key: asked.place, got, wanted: asked.wanted });
    return '';
  }
  if ('text' in source) return source.text ?? '';
  const { key } = source;
  const path = 'file' in source ? source.file : asked.files.credentialPath(source.credential ?? '');
  if (path === null) {
    const wanted = 'a unit with LoadCredential= or SetCredential= (CREDENTIALS_DIRECTORY is not set)';
    problems.push({ key, got: 'a systemd credential', wanted });
    return '';
  }
  return passwordIn({ key, path }, { asked, isOwnFile: 'file' in source }, problems);
}

function valueOf(source: PasswordSource): string | null {
  if ('text' in source) return source.text;
  return 'file' in source ? source.file : source.credential;
}

/** The first line: an editor's newline at the end of the file is no part of the password. */
function passwordIn(
  file: NamedFile,
  { asked, isOwnFile }: { asked: { readonly files: SecretFiles }; isOwnFile: boolean },
  problems: ConfigProblem[],
): string {
  const text = asked.files.read(file, problems);
  if (text === null) return '';
  // systemd keeps its credentials to the service's user; their mode (0440 for a group of one) says nothing.
  if (isOwnFile) asked.files.warnWhenOpen(file);
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') {
    problems.push({ key: file.key, got: `${file.path} with an empty first line`, wanted: 'a password' });
  }
  return password;
}
