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
for (const file of files) await import(pathToFileURL(file));
const { passed, failed, skipped } = await runStories(only);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
