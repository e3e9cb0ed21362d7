// SPDX-License-Identifier: Apache-2.0
// Functions nobody calls, and words with one meaning: words.txt.
import { lineOf } from '../source.mjs';

// "banned: sprintf strcpy", "word device: src/api src/store", "nowhere /work/:"
export default function words(tree) {
	const failures = [];
	const rows = tree.table('words.txt');
	const banned = rows.filter(({ key }) => key === 'banned').flatMap((row) => row.words);
	const calls = new RegExp(`\\b(${banned.join('|')})\\s*\\(`, 'g');
	const places = rows.filter(({ key }) => key.startsWith('word ')).map(({ key, words: free }) => ({ word: key.slice(5), free }));
	for (const file of tree.match(/^(src|tests)\/.*\.(c|h|def)$/)) {
		const code = tree.bare(file);
		for (const hit of code.matchAll(calls)) failures.push(`${file}:${lineOf(code, hit.index)}: calls ${hit[1]}()`);
		for (const { word, free } of places) {
			if (!file.startsWith('src/') || free.some((place) => file.startsWith(place))) continue;
			for (const hit of code.matchAll(new RegExp(`(?<![A-Za-z0-9])${word}s?(?![A-Za-z0-9])`, 'g')))
				failures.push(`${file}:${lineOf(code, hit.index)}: says "${hit[0]}"; see docs/words.md`);
		}
	}
	const nowhere = rows.filter(({ key }) => key.startsWith('nowhere '));
	for (const file of tree.match(/\.(c|h|def|mjs|js|ts|sh|sql|md|json|build|txt|css|html|conf|[1-8])$|^dev$|\.ci\/run$/)) {
		if (file.startsWith('tests/house/')) continue;
		for (const { key, words: free } of nowhere) {
			const text = tree.text(file);
			const at = text.search(new RegExp(key.slice(8)));
			if (at >= 0 && !free.includes(file)) failures.push(`${file}:${lineOf(text, at)}: names ${key.slice(8)}`);
		}
	}
	return failures;
}
