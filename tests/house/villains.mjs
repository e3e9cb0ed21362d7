// SPDX-License-Identifier: Apache-2.0
// Small trees that break one rule each, to see that the rule notices, and the same put right.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';

import { Tree } from './source.mjs';

const licence = '/* SPDX-License-Identifier: Apache-2.0 */\n';
const tall = (lines) => `int tall(void)\n{\n${'\tcall();\n'.repeat(lines)}}\n`;

// { rule, what, files, data, expect }: expect is null where nothing may be found
const villains = [
	{ rule: 'walls', what: 'a room it may not enter', expect: /vault may not include store\/store\.h/,
		data: { 'walls.txt': 'vault: base\nstore:' }, files: { 'src/vault/vault.c': '#include "store/store.h"\n', 'src/store/store.h': '' } },
	{ rule: 'walls', what: 'nothing wrong with an open door', expect: null,
		data: { 'walls.txt': 'vault: store/store.h\nstore:\n<openssl/>: vault' },
		files: { 'src/vault/vault.c': '#include "store/store.h"\n#include <openssl/evp.h>\n', 'src/store/store.h': '/* #include "vault/x.h" */\n' } },
	{ rule: 'walls', what: 'a library it may not use', expect: /recorder may not use <openssl\/ssl\.h>/,
		data: { 'walls.txt': 'recorder:\n<openssl/>: front' }, files: { 'src/recorder/a.c': '#include <openssl/ssl.h>\n' } },
	{ rule: 'walls', what: 'a driver that knows another', expect: /a driver includes drivers\/b\/b\.h/,
		data: { 'walls.txt': 'drivers:' }, files: { 'src/drivers/a/a.c': '#include "drivers/b/b.h"\n', 'src/drivers/b/b.h': '' } },
	{ rule: 'walls', what: 'a room nobody listed', expect: /cellar has no line/, data: { 'walls.txt': 'base:' }, files: { 'src/cellar/a.c': '' } },
	{ rule: 'leash', what: 'a socket in the vault', expect: /sallyport-vault imports socket/, compile: 'sallyport-vault',
		data: { 'leash/executables': 'sallyport-vault', 'leash/sallyport-vault.deny': 'socket' },
		files: { 'a.c': '#include <sys/socket.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0); }\n' } },
	{ rule: 'leash', what: 'an exec that hides behind another name', expect: /sallyport-front imports execlp/, compile: 'sallyport-front',
		data: { 'leash/executables': 'sallyport-front', 'leash/all.deny': 'exec*' },
		files: { 'a.c': '#include <unistd.h>\nint main(void) { return execlp("a", "a", (char *)0); }\n' } },
	{ rule: 'leash', what: 'a generator that can be seeded', expect: /sallyport-broker imports srandom/, compile: 'sallyport-broker',
		data: { 'leash/executables': 'sallyport-broker', 'leash/all.deny': 'srandom*' },
		files: { 'a.c': '#include <stdlib.h>\nint main(void) { srandom(1); return 0; }\n' } },
	{ rule: 'leash', what: 'an executable nobody listed', expect: /sallyport-new has no line/, compile: 'sallyport-new',
		data: { 'leash/executables': '' }, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'a program nothing was done for', compile: 'sallyport-new', flags: ['-no-pie', '-Wl,-z,norelro,-z,lazy,-z,execstack'],
		expect: /sallyport-new is not position independent/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'a stack that can be executed', compile: 'sallyport-new', flags: ['-Wl,-z,execstack'],
		expect: /sallyport-new has an executable stack/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'relocations that stay writable', compile: 'sallyport-new', flags: ['-Wl,-z,norelro,-z,lazy'],
		expect: /sallyport-new has no read-only relocations/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'a stack without a guard', compile: 'sallyport-new', flags: ['-pie', '-fPIE', '-Wl,-z,relro,-z,now'],
		expect: /sallyport-new does not guard its stack/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'buffers without a check', compile: 'sallyport-new', flags: ['-fstack-protector-all'],
		expect: /sallyport-new does not check its buffers/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'branches that go anywhere', compile: 'sallyport-new', flags: ['-fcf-protection=none'],
		expect: /sallyport-new does not track its branches/, files: { 'a.c': 'int main(void) { return 0; }\n' } },
	{ rule: 'hardening', what: 'a file that was compiled otherwise', expect: /src\/base\/a\.c is compiled without -D_FORTIFY_SOURCE=3/,
		files: { 'compile_commands.json': '[{ "file": "../src/base/a.c", "command": "cc -fPIE -c a.c" }]' } },
	{ rule: 'hooks', what: 'the hooks of a trial', expect: /sallyport-broker has the hooks/, compile: 'sallyport-broker',
		files: { 'a.c': 'const char *volatile a = "/torture.control";\nint main(void) { return 0; }\n' } },
	{ rule: 'hooks', what: 'a clock in front of the real one', expect: /sallyport-broker brings a time\(\)/, compile: 'sallyport-broker',
		files: { 'a.c': '#include <sys/types.h>\n__attribute__((used)) long time(long *a) { return 0; }\nint main(void) { return 0; }\n' } },
	{ rule: 'packages', what: 'a library that nobody installs', expect: /does not install liba-dev/, data: { 'packages.txt': 'a: liba-dev' },
		files: { 'meson.build': "dependency('a')\n", dev: 'build_packages="gcc"\n', 'docs/dependencies.md': 'liba-dev' } },
	{ rule: 'packages', what: 'a library that is not told', expect: /dependencies\.md has no liba-dev/, data: { 'packages.txt': 'a: liba-dev' },
		files: { 'meson.build': "dependency('a')\n", dev: 'build_packages="liba-dev"\n', 'docs/dependencies.md': '' } },
	{ rule: 'packages', what: 'a library of no package', expect: /wants b: packages\.txt does not say/, data: { 'packages.txt': '' },
		files: { 'src/x/meson.build': "dependency('b')\n", dev: '', 'docs/dependencies.md': '' } },
	{ rule: 'doors', what: 'a driver without a row', expect: /src\/drivers\/vnc has no row/, files: { 'src/drivers/vnc/vnc.c': '', 'src/drivers/drivers.def': '' } },
	{ rule: 'doors', what: 'a row without its driver', expect: /rdp has no rdp\/rdp\.c/, files: { 'src/drivers/drivers.def': 'DRIVER(rdp, 3389, PIXELS)\n' } },
	{ rule: 'doors', what: 'an endpoint without a row', expect: /endpoint ping has no row/,
		files: { 'src/api/ping.c': 'const struct endpoint ping = {\n};\n', 'src/api/endpoints.def': '' } },
	{ rule: 'doors', what: 'a row without its endpoint', expect: /endpoint ping is defined nowhere/, files: { 'src/api/endpoints.def': 'ENDPOINT(ping)\n' } },
	{ rule: 'doors', what: 'a command nobody can give', expect: /command command_ping has no row/,
		files: { 'src/ctl/ping.c': 'const struct command command_ping = {\n};\n', 'src/ctl/commands.c': 'const struct command *const commands[] = {\n\tNULL,\n};\n' } },
	{ rule: 'doors', what: 'a gap in the migrations', expect: /0002_b\.sql should be number 1/,
		files: { 'src/store/schema/0000_a.sql': '', 'src/store/schema/0002_b.sql': '', 'src/store/meson.build': '0000_a.sql 0002_b.sql' } },
	{ rule: 'sql', what: 'a statement in the broker', expect: /src\/broker\/a\.c:2: SQL/,
		files: { 'src/broker/a.c': '\nconst char *a = "SELECT id FROM session";\n' } },
	{ rule: 'sql', what: 'nothing in words and tables', expect: null, data: { 'sql.txt': 'src/store/statements.def' },
		files: { 'src/broker/a.c': '/* "SELECT id FROM session" */\nconst char *a = "Please select one from the list";\n',
			'src/store/statements.def': 'STMT(A, "SELECT id FROM session")\n' } },
	{ rule: 'secrets', what: 'a file that is not on the list', expect: /src\/front\/a\.c:1: reveals/, files: { 'src/front/a.c': 'use(secret_reveal(secret));\n' } },
	{ rule: 'secrets', what: 'a secret in a log', expect: /prints a secret/, data: { 'secrets.txt': 'src/vault/a.c' },
		files: { 'src/vault/a.c': 'log_info("a", "%s",\n\tsecret_reveal(secret));\n' } },
	{ rule: 'secrets', what: 'a line that is stale', expect: /remove the line/, data: { 'secrets.txt': 'src/vault/a.c' }, files: { 'src/vault/a.c': '' } },
	{ rule: 'mirror', what: 'a file without a test', expect: /src\/base\/a\.c has no tests\/unit\/base\/a\.c/, data: { 'untested.txt': 'most: 0' }, files: { 'src/base/a.c': '' } },
	{ rule: 'mirror', what: 'a test that is not built', expect: /is not built/, data: { 'untested.txt': 'most: 0' },
		files: { 'src/base/a.c': '', 'tests/unit/base/a.c': '', 'tests/unit/base/meson.build': "test('base/b')\n" } },
	{ rule: 'mirror', what: 'a list that grew', expect: /2 lines, "most" says 1/, data: { 'untested.txt': 'most: 1\nsrc/base/a.c\nsrc/base/b.c' },
		files: { 'src/base/a.c': '', 'src/base/b.c': '' } },
	{ rule: 'ceilings', what: 'a long function', expect: /tall\(\) has 101 lines/, data: { 'ceilings.txt': 'function: 100' }, files: { 'src/base/a.c': tall(101) } },
	{ rule: 'ceilings', what: 'many middling functions', expect: /the median function has 30 lines/, data: { 'ceilings.txt': 'function: 100\nmedian: 14' },
		files: { 'src/base/a.c': tall(30).repeat(3) } },
	{ rule: 'ceilings', what: 'a long header', expect: /a\.h: 151 lines, at most 150/, data: { 'ceilings.txt': 'header: 150' }, files: { 'src/base/a.h': '\n'.repeat(151) } },
	{ rule: 'ceilings', what: 'a wide line', expect: /a\.c:2: wider than 100 columns, 1 such/, data: { 'ceilings.txt': 'columns: 100' },
		files: { 'src/base/a.c': `\n\t${'x'.repeat(93)}\n${'x'.repeat(100)}\n"${'x'.repeat(200)}"\n` } },
	{ rule: 'ceilings', what: 'a debt', expect: /1 LATER\(\) marks, at most 0/, data: { 'ceilings.txt': 'later: 0\nfile: 9' }, files: { 'src/base/a.c': '/* LATER(x): y */\n' } },
	{ rule: 'tables', what: 'a row nobody uses', expect: /errors\.def:2: ERR_B is used nowhere/, data: { 'tables.txt': 'src/base/errors.def: ERR ERR_{0}' },
		files: { 'src/base/errors.def': 'ERR(A, 1, "")\nERR(B, 2, "")\n', 'src/base/a.c': 'return -ERR_A; /* not ERR_B */\n' } },
	{ rule: 'words', what: 'a banned function', expect: /a\.c:1: calls sprintf\(\)/, data: { 'words.txt': 'banned: sprintf strcpy' },
		files: { 'src/base/a.c': 'sprintf(out, "strcpy(a)"); snprintf(a);\n' } },
	{ rule: 'words', what: 'a word out of its place', expect: /src\/wire\/a\.c:1: says "device"/, data: { 'words.txt': 'banned: x\nword device: src/api/' },
		files: { 'src/wire/a.c': 'int open_device(void);\n', 'src/api/a.c': 'int device;\n' } },
	{ rule: 'words', what: 'a path of somebody\'s machine', expect: /names \/home\//, data: { 'words.txt': 'banned: x\nnowhere /home/[a-z]+/:' }, files: { 'docs/a.md': 'see /home/ana/x\n' } },
	{ rule: 'heads', what: 'a file without a licence', expect: /a\.c: the first line is not the licence/, files: { 'src/base/a.c': 'int a;\n' } },
	{ rule: 'heads', what: 'a header read twice', expect: /no #pragma once/, files: { 'src/base/a.h': licence } },
	{ rule: 'node', what: 'what came later', expect: /a\.mjs:2: \.with\( is not in Node\.js 18/, files: { 'tests/lib/a.mjs': '// a\n[1].with(0, 2);\n' } },
	{ rule: 'node', what: 'nothing in what it has', expect: null, files: { 'tests/lib/a.mjs': '[1].findLast((one) => one);\n' } },
	{ rule: 'heads', what: 'nothing in a good file', expect: null, files: { 'src/base/a.h': `${licence}#pragma once\n` } },
];

function plant(root, files) {
	for (const [file, content] of Object.entries(files)) {
		mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
		writeFileSync(path.join(root, file), content);
	}
}

function compile(root, name, flags = []) {
	const run = spawnSync('cc', ['-o', path.join(root, name), path.join(root, 'a.c'), ...flags], { encoding: 'utf8' });
	if (run.status !== 0) throw new Error(run.stderr);
}

function judge(villain, found) {
	if (villain.expect === null) return found.map((line) => `complains: ${line}`);
	return found.some((line) => villain.expect.test(line)) ? [] : [`did not notice; it said: ${found.join(' | ') || 'nothing'}`];
}

export function tryVillains(name, rule) {
	return villains.filter((villain) => villain.rule === name).map((villain) => {
		const root = mkdtempSync(path.join(os.tmpdir(), 'sallyport-house-'));
		try {
			mkdirSync(path.join(root, 'tree'));
			plant(path.join(root, 'tree'), villain.files);
			plant(path.join(root, 'data'), villain.data ?? {});
			if (villain.compile) compile(path.join(root, 'tree'), villain.compile, villain.flags);
			const tree = new Tree(path.join(root, 'tree'), path.join(root, 'tree'), path.join(root, 'data'));
			return { what: villain.what, failures: judge(villain, rule(tree)) };
		} finally {
			rmSync(root, { recursive: true, force: true });
		}
	});
}
