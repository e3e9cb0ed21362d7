// SPDX-License-Identifier: Apache-2.0
// Small defects a person might write: a comparison that is off by one or turned round, a check that is left out,
// a number that is one too large, an error that is not returned, a call that is forgotten.
import { strip } from '../house/source.mjs';

const swaps = [['<', '<='], ['<=', '<'], ['>', '>='], ['>=', '>'], ['==', '!='], ['!=', '=='], ['&&', '||'], ['||', '&&']];
// Wiping and logging change nothing a unit test may look at; memory images are searched elsewhere.
const silent = /^(mem_wipe|sodium_memzero|log_\w+|assert|_Static_assert|random_bytes)$/;

function closing(text, open) {
	let depth = 0;
	for (let at = open; at < text.length; at++) {
		if (text[at] === '(') depth++;
		else if (text[at] === ')' && --depth === 0) return at;
	}
	return -1;
}

// [start, end) of the bodies of functions: from a "{" at the start of a line to the "}" there.
function bodies(code) {
	const found = [];
	for (const hit of code.matchAll(/^\{$[^]*?^\}/gm)) found.push([hit.index, hit.index + hit[0].length]);
	return found;
}

// Every mutant of a file: { at, from, to, what, line }
export function mutantsOf(source) {
	const code = strip(source, { strings: true }).replace(/^#.*(\\\n.*)*$/gm, (hit) => hit.replace(/[^\n]/g, ' '));
	const found = [];
	const add = (at, from, to, what) => found.push({ at, from, to, what, line: source.slice(0, at).split('\n').length });
	for (const [start, end] of bodies(code)) {
		const body = code.slice(start, end);
		const asserted = [...body.matchAll(/\b_?(?:Static_)?assert\(/g)].map((hit) => [hit.index, closing(body, body.indexOf('(', hit.index))]);
		const skip = (at) => asserted.some(([from, to]) => at >= from && at <= to);
		for (const [from, to] of swaps)
			for (const hit of body.matchAll(new RegExp(`(?<=[\\s])${from.replace(/[|]/g, '\\|')}(?=[\\s])`, 'g')))
				if (!skip(hit.index)) add(start + hit.index, from, to, 'comparison');
		for (const hit of body.matchAll(/\bif \(/g)) {
			const open = hit.index + 3;
			const close = closing(body, open);
			if (close < 0 || body.slice(close + 1).match(/^[^;{]*\{?[^;]*;\s*\}?\s*else\b/)) continue;
			const condition = source.slice(start + open + 1, start + close);
			add(start + open + 1, condition, `0 && (${condition})`, 'check left out');
		}
		// How long an array is, or which of its elements is meant first, shows elsewhere.
		const indexed = [...body.matchAll(/\[[^\]\n]*\]/g)].map((hit) => [hit.index, hit.index + hit[0].length]);
		const inside = (at) => indexed.some(([from, to]) => at >= from && at < to);
		for (const hit of body.matchAll(/(?<![\w.\[])([1-9]\d*)(?![\w.\]])/g))
			if (!skip(hit.index) && !inside(hit.index) && !/(\[|case |[\s(:]-)$/.test(body.slice(0, hit.index)))
				add(start + hit.index, hit[1], String(Number(hit[1]) + 1), 'off by one');
		for (const hit of body.matchAll(/\breturn -?ERR_\w+;|\breturn r;/g))
			add(start + hit.index, hit[0], 'return 0;', 'error swallowed');
		for (const hit of body.matchAll(/^\t+(\w+)\((?:[^;{}]*)\);$/gm)) {
			if (silent.test(hit[1]) || /^(if|for|while|switch|return|sizeof)$/.test(hit[1])) continue;
			const at = start + hit.index + hit[0].search(/\w/);
			const text = source.slice(at, start + hit.index + hit[0].length);
			add(at, text, ';', 'call forgotten');
		}
		for (const hit of body.matchAll(/!(?=[\w(])/g)) if (!skip(hit.index)) add(start + hit.index, '!', '', 'turned round');
	}
	return found.sort((a, b) => a.at - b.at);
}

export const apply = (source, { at, from, to }) => source.slice(0, at) + to + source.slice(at + from.length);
