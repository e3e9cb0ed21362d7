// SPDX-License-Identifier: Apache-2.0
// Crashes, power cuts, full disks, failing calls, clock jumps, races and growth, against the whole
// gateway: node tests/torture/run.mjs [TRIAL..] [--full] [--seed N] [--only WORDS]
// Without --full each trial runs in the reduced form of ./dev check; ./dev torture is the full one.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { runStories } from '../lib/story.mjs';
import { full, names, only, seed } from './lib/seed.mjs';

// As root in a mount namespace of our own: what a trial mounts is nobody else's, and goes with us.
async function moveIn() {
	if (process.getuid() !== 0 || process.env.SALLYPORT_TORTURE) return;
	const room = ['--mount', '--propagation', 'private'];
	if (spawnSync('unshare', [...room, 'true']).status !== 0) return; // none to be had: what they mount they unmount
	const child = spawn('unshare', [...room, process.execPath, ...process.argv.slice(1),
		...(process.argv.includes('--seed') ? [] : ['--seed', String(seed)])],
		{ stdio: 'inherit', env: { ...process.env, SALLYPORT_TORTURE: 'inside' } });
	for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
	process.exit(await new Promise((done) => child.on('exit', (status) => done(status ?? 1))));
}

await moveIn();
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
