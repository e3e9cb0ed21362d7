// SPDX-License-Identifier: Apache-2.0
// Trials that stand by themselves as programs: each takes --count and --seed, prints what it did, and exits with 0.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { assert, endWith, story } from '../../lib/story.mjs';
import { most, seed } from '../lib/seed.mjs';

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const programs = [
	{ name: 'hostile', words: 'a hostile target harms its own session alone', reduced: 30, full: 3000 },
];

for (const { name, words, reduced, full } of programs) {
	const file = path.join(here, `${name}.mjs`);
	if (!existsSync(file)) continue;
	story(words, async () => {
		const child = endWith(spawn(process.execPath, [file, '--count', String(most(reduced, full)), '--seed', String(seed)],
			{ stdio: ['ignore', 'pipe', 'pipe'] }));
		let said = '';
		child.stdout.on('data', (text) => (said += text));
		child.stderr.on('data', (text) => (said += text));
		const code = await new Promise((done) => child.on('exit', done));
		assert(code === 0, said.trim().split('\n').slice(-3).join(' | '));
		console.log(`     ${said.trim().split('\n').at(-1)}`);
	}, { seconds: 3600 });
}
