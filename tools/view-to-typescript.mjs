// SPDX-License-Identifier: Apache-2.0
//
// Turns the tables of the view stream into TypeScript, so that the page and the player read the
// same frames as the C side:
//
//   node tools/view-to-typescript.mjs OUTPUT.ts
//
// Reads src/wire/view.def, src/wire/view.h, src/base/limits.h and src/base/errors.def. A row or a
// constant that this program cannot read is an error, never left out.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = (path) => readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8');
const bare = (text) => text.replace(/\/\*[\s\S]*?\*\//g, '');

export const inputs = ['wire/view.def', 'wire/view.h', 'base/limits.h', 'base/errors.def']
	.map((path) => fileURLToPath(new URL(`../src/${path}`, import.meta.url)));

function rows(path, word, pattern) {
	const text = bare(source(path));
	const found = [...text.matchAll(pattern)];
	const expected = text.match(new RegExp(`^${word}\\(`, 'gm'))?.length ?? 0;
	if (found.length === 0 || found.length !== expected)
		throw new Error(`src/${path}: read ${found.length} of ${expected} rows`);
	return found;
}

export function frames() {
	const row = /^FRAME\((\w+),\s*(0x[0-9a-fA-F]+),\s*(\d+),\s*(\d+),\s*"(.*)"\)$/gm;
	return rows('wire/view.def', 'FRAME', row).map(([, name, type, least, most, what]) =>
		({ name, type: Number(type), least: Number(least), most: Number(most), what }));
}

export function errors() {
	const row = /^ERR\((\w+),\s*(\d+),\s*"((?:[^"\\]|\\.)*)"\)$/gm;
	return rows('base/errors.def', 'ERR', row).map(([, name, , text], index) =>
		({ name, number: index + 1, text: JSON.parse(`"${text}"`) }));
}

export function enumeration(name) {
	const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(bare(source('wire/view.h')))?.[1];
	const found = [...(body ?? '').matchAll(/(\w+)\s*=\s*(\d+)\s*,/g)];
	if (found.length === 0)
		throw new Error(`src/wire/view.h: no enum ${name}`);
	return found.map(([, word, value]) => [word, Number(value)]);
}

export function constant(path, name) {
	const text = new RegExp(`^#define ${name}\\s+(.*)$`, 'm').exec(bare(source(path)))?.[1]?.trim();
	if (text === undefined)
		throw new Error(`src/${path}: no ${name}`);
	if (/^"[^"]*"$/.test(text))
		return text.slice(1, -1);
	const product = /^\(?([\d\s*]+)\)?$/.exec(text);
	if (!product)
		throw new Error(`src/${path}: ${name} is not a number: ${text}`);
	return product[1].split('*').reduce((value, factor) => value * Number(factor), 1);
}

const table = (name, pairs) =>
	`export const ${name} = {\n${pairs.map(([word, value]) => `\t${word}: ${value},\n`).join('')}} as const;\n`;

export function typescript() {
	const quoted = (text) => JSON.stringify(text);
	return [
		'// SPDX-License-Identifier: Apache-2.0\n// Made by tools/view-to-typescript.mjs. Do not edit.\n',
		`export const VIEW_VERSION = ${constant('wire/view.h', 'VIEW_VERSION')};\n`
		+ `export const HEADER_LENGTH = ${constant('wire/view.h', 'VIEW_HEADER_LEN')};\n`
		+ `export const PROOF_CONTEXT = ${quoted(constant('wire/view.h', 'VIEW_PROOF_CONTEXT'))};\n`
		+ `export const FRAME_MAX = ${constant('base/limits.h', 'VIEW_FRAME_MAX')};\n`
		+ `export const WINDOW = ${constant('base/limits.h', 'VIEW_WINDOW')};\n`,
		'export const FRAME = {\n'
		+ frames().map(({ name, type, what }) => `\t/* ${what} */\n\t${name}: ${type},\n`).join('')
		+ '} as const;\n',
		'/* Least and most bytes of payload, by type. */\n'
		+ 'export const FRAME_LENGTHS: ReadonlyMap<number, readonly [number, number]> = new Map([\n'
		+ `${frames().map(({ type, least, most }) => `\t[${type}, [${least}, ${most}]],\n`).join('')}]);\n`,
		table('STATE', enumeration('view_state').map(([word, value]) => [word.replace(/^VIEW_/, ''), value])),
		table('REPORT', enumeration('view_report').map(([word, value]) => [word.replace(/^REPORT_/, ''), value])),
		table('ERROR', errors().map(({ name, number }) => [name, number])),
		table('ERROR_TEXT', errors().map(({ number, text }) => [number, quoted(text)])),
	].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	if (process.argv.length !== 3) {
		process.stderr.write('usage: view-to-typescript.mjs OUTPUT.ts\n');
		process.exit(2);
	}
	writeFileSync(process.argv[2], typescript());
}
