// SPDX-License-Identifier: Apache-2.0
// Every row of a table is used somewhere: tables.txt says where rows are and what uses them look like.

const fill = (pattern, row) => pattern.replace(/\{(\d)\}/g, (_, column) => row[Number(column)]);

export default function tables(tree) {
	const failures = [];
	const sources = tree.match(/^src\/.*\.(c|h|def)$/).map((file) => ({ file, code: tree.bare(file) }));
	for (const { line, key, words } of tree.table('tables.txt')) {
		const [macros, use, within] = words;
		const [short, room] = within?.split('@') ?? [];
		const rows = macros.split(',').flatMap((macro) => tree.rows(key, macro));
		if (!tree.has(key)) failures.push(`tables.txt:${line}: there is no ${key}`);
		else if (rows.length === 0) failures.push(`tables.txt:${line}: ${key} has no rows of ${macros}`);
		const names = new Map();
		const spokenIn = (place) => new Set(sources.filter(({ file }) => file !== key && file.startsWith(place))
			.flatMap(({ code }) => code.match(/\w+/g) ?? []));
		const spoken = spokenIn('src/');
		for (const { line: at, words: row } of rows) {
			const name = fill(use, row);
			if (names.has(name)) failures.push(`${key}:${at}: ${name} stands in line ${names.get(name)} already`);
			names.set(name, at);
			if (!spoken.has(name) && !(short && spokenIn(room).has(fill(short, row))))
				failures.push(`${key}:${at}: ${name} is used nowhere`);
		}
	}
	return failures;
}
