// SPDX-License-Identifier: Apache-2.0
// Tests and tools run on Debian 12's own Node.js, 18: what a later one brought is not there.

const LATER = [/\.(with|toSorted|toReversed|toSpliced|isWellFormed|toWellFormed)\(/, /\b(Array\.fromAsync|Promise\.withResolvers|Object\.groupBy|Map\.groupBy)\b/,
	/\bimport\.meta\.(dirname|filename)\b/, /\bAbortSignal\.any\b/];

export default function node(tree) {
	const failures = [];
	for (const file of tree.match(/^(tests|tools|web)\/.*\.mjs$/)) {
		if (file.startsWith('tests/house/')) continue; // says what is not there
		tree.text(file).split('\n').forEach((line, at) => {
			for (const later of LATER)
				if (later.test(line)) failures.push(`${file}:${at + 1}: ${line.match(later)[0]} is not in Node.js 18`);
		});
	}
	return failures;
}
