// SPDX-License-Identifier: Apache-2.0
//
// Makes the table of the front's static files (src/front/static.h) out of what web/build.mjs wrote:
//
//   node tools/embed-assets.mjs --from DIR --out assets.c
//
// The files enter by .incbin, raw and as brotli; their hashes stand in the C text, so that a changed
// file makes a changed object.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

function fail(words) {
	process.stderr.write(`tools/embed-assets.mjs: ${words}\n`);
	process.exit(1);
}

function options(argv) {
	const found = {};
	for (let i = 0; i + 1 < argv.length; i += 2) {
		const name = argv[i].replace(/^--/, '');
		if (!['from', 'out'].includes(name))
			fail(`unknown argument ${argv[i]}`);
		found[name] = resolve(argv[i + 1]);
	}
	return found.from && found.out ? found : fail('--from and --out are needed');
}

const string = (text) => JSON.stringify(text); // the characters of these texts mean the same in C

function blob(symbol, path) {
	return `__asm__(".section .rodata\\n.balign 16\\n.global ${symbol}\\n${symbol}:\\n`
		+ `.incbin ${string(string(path)).slice(1, -1)}\\n.global ${symbol}_end\\n${symbol}_end:\\n`
		+ `.byte 0\\n.previous\\n");\nextern const uint8_t ${symbol}[], ${symbol}_end[];\n`;
}

function asset(from, { file, brotli, type, routes, cache }, index) {
	const bytes = readFileSync(join(from, file));
	const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
	const raw = `asset_${index}_raw`, packed = brotli ? `asset_${index}_brotli` : null;
	const name = file === 'index.html' ? file : routes[0].replace(/^\//, '');
	return {
		blobs: blob(raw, join(from, file)) + (packed ? blob(packed, join(from, brotli)) : ''),
		row: `\t{ ${string(name)}, ${string(type)}, ${string(cache)}, ${string(`"${hash}"`)}, `
			+ `${raw}, ${raw}_end, ${packed ?? 'NULL'}, ${packed ? `${packed}_end` : 'NULL'} },\n`,
	};
}

const { from, out } = options(process.argv.slice(2));
const { headers, files } = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
const policy = headers['Content-Security-Policy'] ?? fail('the manifest names no Content-Security-Policy');
const made = files.map((file, index) => asset(from, file, index));
writeFileSync(out, `/* Made by tools/embed-assets.mjs. */
#include <stddef.h>

#include "front/static.h"

${made.map(({ blobs }) => blobs).join('')}
const struct asset assets[] = {
${made.map(({ row }) => row).join('')}};
const unsigned asset_count = ${made.length};
const char asset_policy[] = ${string(policy)};
`);
