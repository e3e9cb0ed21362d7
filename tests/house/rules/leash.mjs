// SPDX-License-Identifier: Apache-2.0
// What our own objects in an executable import, against leash/all.deny and leash/<executable>.deny.
// Libraries are linked dynamically, so the list is ours alone; seccomp holds everybody.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

// fopen64@GLIBC_2.2.5, __read_chk, __open_2 and __xstat are fopen, read, open and stat.
export function plainName(symbol) {
	return symbol.replace(/@.*/, '').replace(/^__x?/, '').replace(/_(chk|2)$/, '').replace(/64$/, '');
}

function imports(file) {
	const run = spawnSync('nm', ['-D', '--undefined-only', '--format=posix', file], { encoding: 'utf8' });
	if (run.status !== 0) throw new Error(`nm ${file}: ${run.stderr || run.error}`);
	return run.stdout.split('\n').filter(Boolean).map((line) => line.split(' ')[0]);
}

function denied(rows, symbol) {
	const name = plainName(symbol);
	return rows.find(({ text }) => text.endsWith('*') ? name.startsWith(text.slice(0, -1)) : name === text);
}

export default function leash(tree) {
	const failures = [];
	if (tree.build === undefined) return ['no build directory was named'];
	const flat = path.join(tree.build, 'meson-out');
	const directory = existsSync(flat) ? flat : tree.build;
	const built = readdirSync(directory).filter((name) => /^sallyport(-[a-z0-9-]+)?$/.test(name));
	const lists = new Set(tree.list('leash/executables').map(({ text }) => text));
	for (const name of built) {
		if (!lists.has(name)) failures.push(`${name} has no line in leash/executables`);
		const common = tree.list(`leash/${name}.allow`).map(({ text }) => text);
		const rows = [...tree.list('leash/all.deny').filter(({ text }) => !common.includes(text)),
			...tree.list(`leash/${name}.deny`)];
		const symbols = imports(path.join(directory, name));
		for (const symbol of symbols)
			if (denied(rows, symbol)) failures.push(`${name} imports ${symbol}`);
		for (const text of common)
			if (!symbols.some((symbol) => denied([{ text }], symbol)))
				failures.push(`leash/${name}.allow: ${text} is not imported any more; remove the line`);
	}
	for (const name of lists)
		if (!built.includes(name)) failures.push(`${name} is not in ${tree.build}`);
	return failures;
}
