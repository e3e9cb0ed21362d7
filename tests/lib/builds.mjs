// SPDX-License-Identifier: Apache-2.0
// Other builds of the programs: the same sources, linked again with another version, or with the mark of
// another wire format.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { build, programs } from './gateway.mjs';

export const names = readdirSync(programs).filter((name) => /^sallyport(-[a-z]+)*$/.test(name));

function commands(target) {
	return execFileSync('ninja', ['-C', build, '-t', 'commands', target], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n');
}

function shell(command) {
	const done = spawnSync('sh', ['-c', command], { cwd: build, encoding: 'utf8' });
	if (done.status !== 0) throw new Error(`${command}: ${done.stdout}${done.stderr}`);
}

// Compiles one source of the build again, with more flags before its own and others instead of some.
function compile(source, object, { flags = '', change = (command) => command }) {
	const found = commands('meson-out/sallyport-front').find((command) => command.includes(` -c ../src/${source}`));
	if (!found) throw new Error(`no command compiles ${source}`);
	shell(change(found).replace(/ -MD -MQ \S+ -MF \S+ -o \S+/, ` -o ${object}`).replace(/^((?:ccache )?\S+) /, `$1 ${flags} `));
}

export class Build {
	// version: its gateway_version; format: what the hash of its wire format begins with
	static make({ version, format } = {}) {
		const made = new Build();
		made.directory = mkdtempSync(path.join(tmpdir(), 'sallyport-build-'));
		const objects = [];
		const at = (name) => path.join(made.directory, name);
		mkdirSync(at('parts'));
		if (version) {
			compile('base/version.c', at('parts/version.o'), { change: (command) => command.replace(/-DVERSION="[^"]*"/, `-DVERSION="${version}"`) });
			objects.push(at('parts/version.o'));
		}
		if (format) {
			writeFileSync(at('parts/wire_format.h'), `#define WIRE_FORMAT "${format.padEnd(64, '0')}"\n`);
			compile('wire/format.c', at('parts/format.o'), { flags: `-I${at('parts')}` });
			objects.push(at('parts/format.o'));
		}
		for (const name of names) {
			// Before the libraries: what is there already is taken from no archive.
			const link = commands(`meson-out/${name}`).at(-1);
			shell(link.replace(/ -o \S+/, ` -o ${at(name)} ${objects.join(' ')}`));
		}
		return made;
	}

	// Into the place of other programs, as a package does it: the old ones live on without a name.
	install(directory, only = names) {
		for (const name of only) {
			copyFileSync(path.join(this.directory, name), path.join(directory, `${name}.new`));
			renameSync(path.join(directory, `${name}.new`), path.join(directory, name));
		}
	}

	remove() {
		rmSync(this.directory, { recursive: true, force: true });
	}
}

// A copy of the programs of the build itself.
export function copyBuild() {
	const directory = mkdtempSync(path.join(tmpdir(), 'sallyport-programs-'));
	for (const name of names) copyFileSync(path.join(programs, name), path.join(directory, name));
	return directory;
}
