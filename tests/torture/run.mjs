// SPDX-License-Identifier: Apache-2.0
// Crashes, power cuts, full disks, failing calls, clock jumps, races and growth, against the whole
// gateway: node tests/torture/run.mjs [TRIAL..] [--full] [--seed N] [--only WORDS]
// Without --full each trial runs in the reduced form of ./dev check; ./dev torture is the full one.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { runStories } from '../lib/story.mjs';
import { full, names, only, seed } from './lib/seed.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const known = readdirSync(path.join(here, 'trials')).map((name) => name.replace(/\.mjs$/, '')).sort();
const chosen = names().length ? names() : known;
for (const name of chosen) {
	if (!known.includes(name)) throw new Error(`no trial ${name}; there are: ${known.join(' ')}`);
}
console.log(`seed ${seed}${full ? ', full' : ''}: node tests/torture/run.mjs ${chosen.join(' ')} --seed ${seed}${full ? ' --full' : ''}`);
for (const name of chosen) await import(pathToFileURL(path.join(here, 'trials', `${name}.mjs`)));
const { passed, failed, skipped } = await runStories(only);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
