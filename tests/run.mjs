// SPDX-License-Identifier: Apache-2.0
// Runs the stories in tests/scenarios in the order of their letters: node tests/run.mjs [FILE..] [--only WORDS]
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { runStories } from './lib/story.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const only = words.includes('--only') ? words.splice(words.indexOf('--only'), 2)[1] : '';
const files = words.length ? words.map((file) => path.resolve(file)) :
	readdirSync(path.join(here, 'scenarios')).filter((name) => name.endsWith('.mjs')).sort()
		.map((name) => path.join(here, 'scenarios', name));
// What has nothing to do with where facts are kept is told once, on the first store.
const elsewhere = process.env.SALLYPORT_STORE === 'postgresql' && !words.length ? { 'f-villains.mjs': 'what a worker gets away with',
	'g-strikes.mjs': 'processes that have no gateway', 'h-hostile.mjs': 'what targets do to workers', 'w-backup.mjs': 'a server is backed up by its own tools',
	'p-packaging.mjs': 'installations of its own, on SQLite', 'x-programs.mjs': 'what programs may and how they start' } : {};
for (const name of files.map((file) => path.basename(file)).filter((file) => elsewhere[file])) console.log(`skip ${name}: ${elsewhere[name]}`);
for (const file of files.filter((name) => !elsewhere[path.basename(name)])) await import(pathToFileURL(file));
const { passed, failed, skipped } = await runStories(only);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
