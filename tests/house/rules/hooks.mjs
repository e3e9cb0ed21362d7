// SPDX-License-Identifier: Apache-2.0
// The hooks of tests/torture are in no program that is built: neither their file's name nor a function of libc's that
// an executable would bring itself to stand in front of it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const STOLEN = new Set(['malloc', 'calloc', 'realloc', 'write', 'fsync', 'fdatasync', 'close', 'clock_gettime', 'time', 'gettimeofday']);

export default function hooks(tree) {
	if (tree.build === undefined) return ['no build directory was named'];
	const flat = path.join(tree.build, 'meson-out');
	const directory = existsSync(flat) ? flat : tree.build;
	const failures = [];
	for (const name of readdirSync(directory).filter((file) => /^sallyport(-[a-z0-9-]+)?$/.test(file))) {
		const file = path.join(directory, name);
		if (readFileSync(file).includes('torture.control')) failures.push(`${name} has the hooks of tests/torture in it`);
		const run = spawnSync('nm', ['-D', '--defined-only', '--format=posix', file], { encoding: 'utf8' });
		for (const line of run.stdout.split('\n').filter(Boolean)) {
			const symbol = line.split(' ')[0].replace(/@.*/, '');
			if (STOLEN.has(symbol)) failures.push(`${name} brings a ${symbol}() of its own`);
		}
	}
	return failures;
}
