// SPDX-License-Identifier: Apache-2.0
// The C programs of this room, compiled when they are older than their sources.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from '../../lib/gateway.mjs';

const room = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const workshop = path.join(build, 'torture');
export const newest = (files) => Math.max(...files.map((file) => statSync(file).mtimeMs));

export function run(program, args, options = {}) {
	const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
	if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.status ?? done.signal} ${done.stderr}${done.stdout}`);
	return done.stdout;
}

export function compile(output, sources, args) {
	mkdirSync(workshop, { recursive: true });
	if (!existsSync(output) || statSync(output).mtimeMs <= newest(sources))
		run(process.env.CC ?? 'cc', ['-O2', '-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror',
			'-Wno-unused-parameter', '-o', output, ...args]);
	return output;
}

// tool('redeem', '-lssl', '-lcrypto'): tools/redeem.c, as a program
export function tool(name, ...libraries) {
	const source = path.join(room, 'tools', `${name}.c`);
	return compile(path.join(workshop, name), [source], [source, ...libraries]);
}
