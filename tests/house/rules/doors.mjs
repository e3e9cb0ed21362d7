// SPDX-License-Identifier: Apache-2.0
// What can be added has a row where it is found, and every row has what it names.
import { lineOf } from '../source.mjs';

function drivers(tree, failures) {
	const rows = tree.rows('src/drivers/drivers.def', 'DRIVER').map(({ words }) => words[0]);
	const folders = new Set(tree.match(/^src\/drivers\/[^/]+\//).map((file) => file.split('/')[2]));
	for (const name of folders)
		if (!rows.includes(name)) failures.push(`src/drivers/${name} has no row in drivers.def`);
	for (const name of rows) {
		if (!tree.has(`src/drivers/${name}/${name}.c`)) failures.push(`drivers.def: ${name} has no ${name}/${name}.c`);
		if (!tree.has(`src/drivers/${name}/meson.build`)) failures.push(`drivers.def: ${name} has no meson.build`);
	}
}

// Definitions of `const struct KIND name` in a room: name to place
function definitions(tree, room, kind) {
	const found = new Map();
	for (const file of tree.match(new RegExp(`^src/${room}/.*\\.c$`))) {
		const code = tree.bare(file);
		for (const hit of code.matchAll(new RegExp(`^const struct ${kind} (\\w+) = \\{`, 'gm')))
			found.set(hit[1], `${file}:${lineOf(code, hit.index)}`);
	}
	return found;
}

function compare(failures, rows, found, table, kind) {
	for (const [name, place] of found)
		if (!rows.includes(name)) failures.push(`${place}: ${kind} ${name} has no row in ${table}`);
	for (const name of rows)
		if (!found.has(name)) failures.push(`${table}: ${kind} ${name} is defined nowhere`);
	for (const name of rows.filter((row, at) => rows.indexOf(row) !== at))
		failures.push(`${table}: ${name} is there twice`);
}

function endpoints(tree, failures) {
	const rows = tree.rows('src/api/endpoints.def', 'ENDPOINT').map(({ words }) => words[0]);
	compare(failures, rows, definitions(tree, 'api', 'endpoint'), 'src/api/endpoints.def', 'endpoint');
}

function commands(tree, failures) {
	const table = 'src/ctl/commands.c';
	if (!tree.has(table)) return;
	const list = tree.bare(table).match(/\bcommands\[\] = \{([^}]*)\}/)?.[1] ?? '';
	const rows = [...list.matchAll(/&(\w+)/g)].map((hit) => hit[1]);
	compare(failures, rows, definitions(tree, 'ctl', 'command'), table, 'command');
}

// Migrations are numbered without a gap, built, and never two of one number.
function schema(tree, failures) {
	const files = tree.match(/^src\/store\/schema\//).map((file) => file.split('/').pop());
	const build = tree.has('src/store/meson.build') ? tree.text('src/store/meson.build') : '';
	files.forEach((name, at) => {
		if (!/^\d{4}_[a-z_]+\.sql$/.test(name)) failures.push(`schema/${name} is not named 0007_<what>.sql`);
		else if (Number(name.slice(0, 4)) !== at) failures.push(`schema/${name} should be number ${at}`);
		if (!build.includes(name)) failures.push(`schema/${name} is not in src/store/meson.build`);
	});
}

export default function doors(tree) {
	const failures = [];
	for (const door of [drivers, endpoints, commands, schema]) door(tree, failures);
	return failures;
}
