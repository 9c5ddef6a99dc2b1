import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../..');

/** Folders of src as plain JavaScript, for child processes that a test kills. */
export interface CompiledSource {
  /** URL to import a module by: `url('storage/ledger')`. */
  url(module: string): string;
  remove(): void;
}

/** Compiles without type checks (those run anyway), so that a Node without TypeScript support runs the real modules. */
export function compileSource(folders: readonly string[]): CompiledSource {
  const directory = mkdtempSync(join(tmpdir(), 'autoblock-compiled-'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, 'src', folder)).map((name) => join(folder, name)),
  );
  for (const file of ['errors.ts', 'logger.ts', ...files]) {
    if (!file.endsWith('.ts')) continue;
    const target = join(directory, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, compile(join(ROOT, 'src', file)));
  }
  return {
    url: (module) => pathToFileURL(join(directory, `${module}.js`)).href,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function compile(path: string): string {
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    fileName: path,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  return outputText;
}
