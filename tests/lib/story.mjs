// SPDX-License-Identifier: Apache-2.0
// The smallest runner that can fail: stories run one after another, each with a time limit, and the
// last line counts them. A story that returns 'skip: why' is counted apart and says why.
import { setTimeout as sleep } from 'node:timers/promises';

// How many times longer a wait may take than where nothing else runs; nothing that is measured depends on it.
const patience = Number(process.env.SALLYPORT_PATIENCE ?? 1);
const stories = [];
export const story = (name, run, { seconds = 60 } = {}) => stories.push({ name, run, seconds });

export const assert = (condition, words) => {
	if (!condition) throw new Error(words);
};
export const equal = (actual, expected, words) => {
	const a = JSON.stringify(actual);
	const e = JSON.stringify(expected);
	assert(a === e, `${words}: ${a} is not ${e}`);
};

// Polls until `probe` yields something true.
export async function until(probe, words, milliseconds = 10000) {
	const end = Date.now() + milliseconds * patience;
	for (;;) {
		const value = await probe();
		if (value) return value;
		if (Date.now() > end) throw new Error(`waited ${milliseconds * patience} ms for: ${words}`);
		await sleep(20);
	}
}

async function within(seconds, work, name) {
	let timer;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error(`no end after ${seconds * patience} s`)), seconds * patience * 1000);
	});
	try {
		return await Promise.race([work(), late]);
	} finally {
		clearTimeout(timer);
	}
}

export async function runStories(filter = '') {
	const count = { passed: 0, failed: 0, skipped: 0 };
	for (const { name, run, seconds } of stories) {
		if (filter && !name.includes(filter)) continue;
		const start = Date.now();
		try {
			const answer = await within(seconds, run, name);
			if (typeof answer === 'string' && answer.startsWith('skip:')) {
				count.skipped++;
				console.log(`skip ${name}: ${answer.slice(5).trim()}`);
				continue;
			}
			count.passed++;
			console.log(`ok   ${name} (${Date.now() - start} ms)`);
		} catch (error) {
			count.failed++;
			console.log(`FAIL ${name}\n     ${String(error?.stack ?? error).split('\n').slice(0, 4).join('\n     ')}`);
		}
	}
	return count;
}

// Processes a story started end with the runner, whatever happened to the story.
const started = new Set();
export function endWith(child) {
	started.add(child);
	child.on('exit', () => started.delete(child));
	return child;
}
process.on('exit', () => { for (const child of started) child.kill('SIGTERM'); });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
