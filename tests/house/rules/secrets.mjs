// SPDX-License-Identifier: Apache-2.0
// Who opens secrets is on a list of ten; nothing prints one.
import { lineOf } from '../source.mjs';

export default function secrets(tree) {
	const failures = [];
	const allowed = tree.list('secrets.txt').map(({ text }) => text);
	const callers = new Set();
	for (const file of tree.match(/^src\/.*\.(c|h|def)$/)) {
		const code = tree.bare(file);
		for (const hit of code.matchAll(/\bsecret_reveal\s*\(/g)) {
			if (/^src\/base\/secret\.[ch]$/.test(file)) continue;
			callers.add(file);
			if (!allowed.includes(file)) failures.push(`${file}:${lineOf(code, hit.index)}: reveals a secret and is not in secrets.txt`);
		}
		for (const hit of code.matchAll(/\b(log_\w+|printf|fprintf|snprintf|buf_append_format|process_title)\s*\([^;]*\bsecret_reveal\b/g))
			failures.push(`${file}:${lineOf(code, hit.index)}: prints a secret`);
	}
	for (const file of allowed)
		if (!callers.has(file)) failures.push(`secrets.txt: ${file} reveals nothing any more; remove the line`);
	if (allowed.length > 10) failures.push(`secrets.txt has ${allowed.length} lines; ten files may reveal a secret`);
	return failures;
}
