// SPDX-License-Identifier: Apache-2.0
// All SQL is in statements.def and schema/ (and what sql.txt adds): none in a string anywhere else.
import { lineOf } from '../source.mjs';

const statement = new RegExp('^\\s*(SELECT\\s|INSERT\\s|UPDATE\\s+\\w+\\s+SET\\b|DELETE\\s+FROM\\b|REPLACE\\s+INTO\\b|' +
	'CREATE\\s+(TABLE|INDEX|UNIQUE|TRIGGER|VIEW)\\b|ALTER\\s+TABLE\\b|DROP\\s|PRAGMA\\s|VACUUM\\b|' +
	'BEGIN\\b|COMMIT\\b|ROLLBACK\\b|SAVEPOINT\\b|RELEASE\\s)|' +
	'\\b(INSERT\\s+INTO|DELETE\\s+FROM|SELECT\\s.+\\sFROM|UPDATE\\s+\\w+\\s+SET)\\b');

export default function sql(tree) {
	const failures = [];
	const free = tree.list('sql.txt').map(({ text }) => text);
	for (const file of tree.match(/^src\/.*\.(c|h|def)$/)) {
		if (free.includes(file)) continue;
		const code = tree.code(file);
		for (const hit of code.matchAll(/"((?:\\.|[^"\\\n])*)"/g))
			if (statement.test(hit[1])) failures.push(`${file}:${lineOf(code, hit.index)}: SQL in a string: ${hit[0].slice(0, 60)}`);
	}
	return failures;
}
