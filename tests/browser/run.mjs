// SPDX-License-Identifier: Apache-2.0
// The session page in Chromium against a gateway made of paper: node tests/browser/run.mjs [FILE..] [--only WORDS]
// SALLYPORT_PAGES names a directory with built pages; without it they are built first.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { runStories } from '../lib/story.mjs';
import { end } from './world.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const only = words.includes('--only') ? words.splice(words.indexOf('--only'), 2)[1] : '';
const scripts = (directory) => readdirSync(directory)
	.filter((name) => name.endsWith('.mjs') && !['run.mjs', 'world.mjs'].includes(name)).sort()
	.map((name) => path.join(directory, name));
const files = words.length ? words.map((file) => path.resolve(file))
	: [...scripts(path.join(here, '../unit/web')), ...scripts(here)];
for (const file of files)
	await import(pathToFileURL(file));
const { passed, failed, skipped } = await runStories(only);
await end();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
