// SPDX-License-Identifier: Apache-2.0
// How long files, headers, functions and lines may be: ceilings.txt.
import { lineOf } from '../source.mjs';

// Functions of a formatted file: from the brace in column 0 to its end. { name, line, length }
export function functions(code) {
	const found = [];
	const lines = code.split('\n');
	for (let at = 1; at < lines.length; at++) {
		if (lines[at] !== '{') continue;
		let start = at - 1;
		while (start > 0 && /^[\s)]/.test(lines[start])) start--;
		let end = at + 1;
		while (end < lines.length && lines[end] !== '}') end++;
		const name = lines.slice(start, at).join(' ').match(/(\w+)\s*\(/)?.[1] ?? '?';
		found.push({ name, line: start + 1, length: end - at - 1 });
		at = end;
	}
	return found;
}

// Texts and addresses are not broken for their width.
function wideLines(text, most) {
	return text.split('\n').map((line, at) => ({ line, at: at + 1 })).filter(({ line }) => {
		const columns = [...line].reduce((wide, c) => c === '\t' ? wide + 8 - wide % 8 : wide + 1, 0);
		return columns > most && !/https?:|"/.test(line);
	}).map(({ at }) => at);
}

const rank = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export default function ceilings(tree) {
	const failures = [];
	const rows = tree.table('ceilings.txt');
	const ceiling = (key) => Number(rows.find((row) => row.key === key)?.words[0]);
	const count = (file) => tree.text(file).split('\n').length - 1;
	const check = (file, key, value, what) => {
		const own = rows.find((row) => row.key === file);
		const most = own ? Number(own.words[0]) : ceiling(key);
		if (!(value <= most)) failures.push(`${file}: ${value} ${what}, at most ${most}`);
		if (own && value <= ceiling(key)) failures.push(`ceilings.txt: ${file} needs no line of its own any more`);
	};
	const lengths = [];
	const later = [];
	for (const file of tree.match(/^(src|tests)\/.*\.[ch]$/)) {
		const header = file.endsWith('.h');
		check(file, header ? 'header' : 'file', count(file), 'lines');
		const code = tree.bare(file);
		for (const { name, line, length } of functions(code)) {
			if (file.startsWith('src/')) lengths.push(length);
			if (length > ceiling('function')) failures.push(`${file}:${line}: ${name}() has ${length} lines, at most ${ceiling('function')}`);
		}
		const wide = wideLines(tree.text(file), ceiling('columns'));
		if (wide.length) failures.push(`${file}:${wide[0]}: wider than ${ceiling('columns')} columns, ${wide.length} such lines`);
		for (const hit of tree.text(file).matchAll(/\bLATER\(/g)) later.push(`${file}:${lineOf(tree.text(file), hit.index)}`);
	}
	lengths.sort((a, b) => a - b);
	if (lengths.length && rank(lengths, 0.5) > ceiling('median'))
		failures.push(`the median function has ${rank(lengths, 0.5)} lines, at most ${ceiling('median')}`);
	if (lengths.length && rank(lengths, 0.9) > ceiling('nine in ten'))
		failures.push(`one function in ten is longer than ${rank(lengths, 0.9)} lines, at most ${ceiling('nine in ten')}`);
	if (later.length > ceiling('later')) failures.push(`${later.length} LATER() marks, at most ${ceiling('later')}: ${later.join(' ')}`);
	return failures;
}
