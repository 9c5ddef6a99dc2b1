/** `npm run docs`: writes the generated parts of README.md and `.env.example` from the tables in the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { prepare } from './bootstrap.mjs';

const ROOT = resolve(import.meta.dirname, '..');

await prepare();
const { envExample, withReadmeTable } = await import('../dist/config/documentation.js');
const { withDetectorSections } = await import('../dist/detector/documentation.js');
const readme = join(ROOT, 'README.md');
writeFileSync(readme, withDetectorSections(withReadmeTable(readFileSync(readme, 'utf8'))));
writeFileSync(join(ROOT, '.env.example'), envExample());
