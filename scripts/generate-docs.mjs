/** `npm run docs`: writes the configuration table of README.md and `.env.example` from the options table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { prepare } from './bootstrap.mjs';

const ROOT = resolve(import.meta.dirname, '..');

await prepare();
const { envExample, withReadmeTable } = await import('../dist/config/documentation.js');
const readme = join(ROOT, 'README.md');
writeFileSync(readme, withReadmeTable(readFileSync(readme, 'utf8')));
writeFileSync(join(ROOT, '.env.example'), envExample());
