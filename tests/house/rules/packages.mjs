// SPDX-License-Identifier: Apache-2.0
// What meson looks for is installed by ./dev on a machine that has nothing, and told in docs/dependencies.md.
export default function packages(tree) {
	const failures = [];
	const known = tree.table('packages.txt');
	const wanted = new Map();
	for (const file of tree.match(/(^|\/)meson\.build$/))
		for (const [, name] of tree.text(file).matchAll(/\bdependency\('([^']+)'/g)) wanted.set(name, file);
	for (const [name, file] of wanted) {
		const row = known.find(({ key }) => key === name);
		if (row === undefined) {
			failures.push(`${file} wants ${name}: packages.txt does not say in which package that is`);
			continue;
		}
		const [debian] = row.words;
		if (!new RegExp(`\\b${debian}\\b`).test(tree.text('dev'))) failures.push(`./dev does not install ${debian}, in which ${name} is`);
		if (!new RegExp(`\\b(${debian}|${name})\\b`).test(tree.text('docs/dependencies.md'))) failures.push(`docs/dependencies.md has no ${debian}`);
	}
	for (const { line, key } of known)
		if (!wanted.has(key)) failures.push(`packages.txt:${line}: nobody wants ${key} any more: remove the line`);
	return failures;
}
