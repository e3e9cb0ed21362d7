// SPDX-License-Identifier: Apache-2.0
// What the compiler and the linker do for every executable, read from the ELF file and from the commands.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

function read(file, ...options) {
	const run = spawnSync('readelf', ['-W', ...options, file], { encoding: 'utf8' });
	if (run.status !== 0) throw new Error(`readelf ${file}: ${run.stderr || run.error}`);
	return run.stdout;
}

// [what is wrong, whether it is]
function faults(file) {
	const head = read(file, '-h');
	const segments = read(file, '-l').split('\n').map((line) => line.trim().split(/\s+/));
	const dynamic = read(file, '-d');
	const symbols = read(file, '--dyn-syms');
	const notes = read(file, '-n');
	const segment = (type) => segments.find(([name]) => name === type);
	return [
		['is not position independent', !/Type:\s+DYN/.test(head) || !/FLAGS_1.*\bPIE\b/.test(dynamic)],
		['has no read-only relocations', !segment('GNU_RELRO')],
		['binds lazily', !/\bBIND_NOW\b/.test(dynamic) && !/FLAGS_1.*\bNOW\b/.test(dynamic)],
		['has an executable stack', segment('GNU_STACK')?.slice(6, -1).includes('RWE') ?? true],
		['has memory that is writable and executable', segments.some((row) => row[0] === 'LOAD' && row.slice(6, -1).join('') === 'RWE')],
		['relocates its code', /\bTEXTREL\b/.test(dynamic)],
		['does not guard its stack', !/__stack_chk_fail/.test(symbols)],
		['does not check its buffers', !/__\w+_chk@/.test(symbols.replace(/__stack_chk_fail/g, ''))],
		['does not track its branches', !/x86 feature:.*\bIBT\b.*\bSHSTK\b/.test(notes) && /X86-64/.test(head)],
	].filter(([, wrong]) => wrong).map(([what]) => what);
}

const wanted = ['-D_FORTIFY_SOURCE=3', '-fstack-protector-strong', '-fstack-clash-protection', '-fcf-protection',
	'-ftrivial-auto-var-init=zero', /^-fPI[EC]$/];

// Objects that enter an executable, by the commands that made them.
function commands(build) {
	const file = path.join(build, 'compile_commands.json');
	if (!existsSync(file)) return [];
	return JSON.parse(readFileSync(file, 'utf8')).filter(({ file: source }) => /(^|\/)src\//.test(source) && source.endsWith('.c'))
		.flatMap(({ file: source, command }) => wanted.filter((flag) => !command.split(/\s+/).some((word) => flag === word || flag.test?.(word)))
			.map((flag) => `${source.replace(/^.*?(?=src\/)/, '')} is compiled without ${flag}`));
}

export default function hardening(tree) {
	if (tree.build === undefined) return ['no build directory was named'];
	const flat = path.join(tree.build, 'meson-out');
	const directory = existsSync(flat) ? flat : tree.build;
	const built = readdirSync(directory).filter((name) => /^sallyport(-[a-z0-9-]+)?$/.test(name));
	return [...built.flatMap((name) => faults(path.join(directory, name)).map((what) => `${name} ${what}`)), ...commands(tree.build)];
}
