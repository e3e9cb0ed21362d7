// SPDX-License-Identifier: Apache-2.0
// Everything random in a trial comes from one seed, which is printed: a failure can be run again. Each
// trial has a stream of its own, so that it draws the same whether it runs alone or with the others.
const words = process.argv.slice(2);
const taken = new Set();

export function option(name, otherwise) {
	const at = words.indexOf(`--${name}`);
	if (at < 0) return otherwise;
	taken.add(at);
	if (otherwise === false) return true;
	taken.add(at + 1);
	return words[at + 1];
}

export const full = option('full', false);
// Runners that take no such word are given SALLYPORT_SEED.
export const seed = Number(option('seed', process.env.SALLYPORT_SEED ?? Math.floor(Math.random() * 2 ** 31)));
export const only = option('only', '');
// For a trial of many alike: so many of them, beginning with this one.
export const count = option('count', undefined);
export const from = Number(option('from', 0));
export const most = (reduced, whole) => (full ? whole : reduced);
// What is left of the command line: names of trials.
export const names = () => words.filter((word, at) => !taken.has(at));

export class Dice {
	constructor(name) {
		this.state = seed >>> 0;
		for (const character of name) this.state = Math.imul(this.state ^ character.codePointAt(0), 0x9e3779b1) >>> 0;
	}

	// mulberry32: 0 <= number < 1
	throw() {
		this.state = (this.state + 0x6d2b79f5) >>> 0;
		let t = this.state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}

	below(limit) {
		return Math.floor(this.throw() * limit);
	}

	between(least, limit) {
		return least + this.throw() * (limit - least);
	}

	one(list) {
		return list[this.below(list.length)];
	}

	shuffled(list) {
		const copy = [...list];
		for (let at = copy.length - 1; at > 0; at--) {
			const other = this.below(at + 1);
			[copy[at], copy[other]] = [copy[other], copy[at]];
		}
		return copy;
	}
}
