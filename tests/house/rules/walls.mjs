// SPDX-License-Identifier: Apache-2.0
// A room includes what walls.txt lets it: other rooms, and libraries.
import { lineOf } from '../source.mjs';

function allows(words, target) {
	return words.some((word) => word.includes('/') ?
		new RegExp(`^${word.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')}$`).test(target) :
		target.startsWith(`${word}/`));
}

function library(tree, header) {
	return tree.table('walls.txt').find(({ key }) => key.startsWith('<') &&
		(key.endsWith('/>') ? header.startsWith(key.slice(1, -1)) : key === `<${header}>`));
}

// Drivers do not know each other, only what lies in drivers/ itself.
function foreignDriver(file, target) {
	const here = file.match(/^src\/drivers\/([^/]+)\//)?.[1];
	const there = target.match(/^drivers\/([^/]+)\//)?.[1];
	return here !== undefined && there !== undefined && here !== there;
}

export default function walls(tree) {
	const failures = [];
	const rooms = new Map(tree.table('walls.txt').map(({ key, words }) => [key, words]));
	for (const file of tree.match(/^src\/.*\.(c|h|def)$/)) {
		const room = file.split('/')[1];
		const code = tree.code(file);
		if (!rooms.has(room)) {
			failures.push(`${file}: the room ${room} has no line in walls.txt`);
			continue;
		}
		for (const hit of code.matchAll(/^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<([^>]+)>)/gm)) {
			const where = `${file}:${lineOf(code, hit.index)}`;
			const [, ours, theirs] = hit;
			if (ours !== undefined) {
				if (allows(rooms.get('generated') ?? [], `generated/${ours}`)) continue;
				if (!ours.includes('/')) failures.push(`${where}: "${ours}" is written without its room`);
				else if (foreignDriver(file, ours)) failures.push(`${where}: a driver includes ${ours}`);
				else if (!ours.startsWith(`${room}/`) && !allows(rooms.get(room), ours))
					failures.push(`${where}: ${room} may not include ${ours}`);
				else if (!tree.has(`src/${ours}`)) failures.push(`${where}: there is no ${ours}`);
				continue;
			}
			const row = library(tree, theirs);
			const inside = file.slice('src/'.length);
			if (row && !row.words.some((word) => inside === word || inside.startsWith(`${word}/`)))
				failures.push(`${where}: ${room} may not use <${theirs}>`);
		}
	}
	return failures;
}
