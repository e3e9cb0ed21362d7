// SPDX-License-Identifier: Apache-2.0
// src/ROOM/FILE.c is tested by tests/unit/ROOM/FILE.c, which is built; or has a line in untested.txt,
// whose length only shrinks.

// Named by a meson.build of its folder or above, or by another room's that speaks of its folder.
function built(tree, test) {
	const name = test.split('/').pop().replace(/\.c$/, '');
	const room = test.split('/')[2];
	const named = new RegExp(`'(?:[\\w./]*/)?${name}(?:\\.c)?'`);
	return tree.match(/^tests\/unit\/.*meson\.build$/).some((build) => {
		const text = tree.text(build);
		const own = test.startsWith(build.replace(/meson\.build$/, ''));
		return named.test(text) && (own || new RegExp(`'\\.\\./${room}\\b`).test(text));
	});
}

export default function mirror(tree) {
	const failures = [];
	const list = tree.table('untested.txt');
	const most = Number(list.find(({ key }) => key === 'most')?.words[0]);
	const untested = list.filter(({ key }) => key !== 'most').map(({ key }) => key);
	for (const file of tree.match(/^src\/.*\.c$/)) {
		const test = file.replace(/^src\//, 'tests/unit/');
		const excused = untested.includes(file);
		if (!tree.has(test)) {
			if (!excused) failures.push(`${file} has no ${test}`);
		} else if (!built(tree, test)) failures.push(`${test} is not built by a meson.build`);
		else if (excused) failures.push(`untested.txt: ${file} has its test now; remove the line`);
	}
	for (const file of untested)
		if (!tree.has(file)) failures.push(`untested.txt: there is no ${file}; remove the line`);
	if (untested.length !== most)
		failures.push(`untested.txt: ${untested.length} lines, "most" says ${most}: the list only shrinks, and "most" with it`);
	return failures;
}
