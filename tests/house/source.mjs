// SPDX-License-Identifier: Apache-2.0
// The tree as the rules see it: files by path, C without comments, rows of tables, small data files.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const skipped = (name) => name === 'node_modules' || name.startsWith('build') || name === '.git' || name.startsWith('.demo');

function walk(root, relative, found) {
	for (const name of readdirSync(path.join(root, relative)).sort()) {
		const file = path.posix.join(relative, name);
		if (statSync(path.join(root, file), { throwIfNoEntry: false })?.isDirectory()) {
			if (!skipped(name)) walk(root, file, found);
		} else {
			found.push(file);
		}
	}
	return found;
}

// Comments become blanks, so that lines keep their numbers; strings too when asked.
export function strip(text, { strings }) {
	return text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (hit) => {
		if (hit[0] === '/') return hit.replace(/[^\n]/g, ' ');
		return strings ? hit[0] + ' '.repeat(hit.length - 2) + hit[0] : hit;
	});
}

export class Tree {
	constructor(root, build, data) {
		this.root = root;
		this.build = build;
		this.data = data;
		this.files = walk(root, '.', []).map((file) => file.replace(/^\.\//, ''));
		this.texts = new Map();
	}

	has(file) { return existsSync(path.join(this.root, file)); }

	text(file) {
		if (!this.texts.has(file)) this.texts.set(file, readFileSync(path.join(this.root, file), 'utf8'));
		return this.texts.get(file);
	}

	match(pattern) { return this.files.filter((file) => pattern.test(file)); }
	code(file) { return strip(this.text(file), { strings: false }); }
	bare(file) { return strip(this.text(file), { strings: true }); }

	// Arguments of the rows of a .def table: { line, words }
	rows(file, macro) {
		if (!this.has(file)) return [];
		const rows = [];
		this.code(file).split('\n').forEach((line, at) => {
			const hit = line.match(new RegExp(`^${macro}\\(\\s*([^)]*)`));
			if (hit) rows.push({ line: at + 1, words: hit[1].split(',').map((word) => word.trim()) });
		});
		return rows;
	}

	// Lines of a data file without comments: { line, text }
	list(name) {
		const file = path.join(this.data, name);
		if (!existsSync(file)) return [];
		return readFileSync(file, 'utf8').split('\n')
			.map((text, at) => ({ line: at + 1, text: text.replace(/(^|\s)#.*/, '').trim() }))
			.filter(({ text }) => text !== '');
	}

	// Lines "key: words" of a data file
	table(name) {
		return this.list(name).map(({ line, text }) => {
			const [key, ...rest] = text.split(':');
			return { line, key: key.trim(), words: rest.join(':').trim().split(/\s+/).filter(Boolean) };
		});
	}
}

// The line a position in a text is on
export const lineOf = (text, at) => text.slice(0, at).split('\n').length;
