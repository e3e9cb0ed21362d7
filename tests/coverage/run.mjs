// SPDX-License-Identifier: Apache-2.0
// Branches the tests take: node tests/coverage/run.mjs [FILE..]. Without a file, all of core.txt; each must be at
// 100 %. "all" tells what the unit tests reach of the whole code. What is left out of a branch's count is one pattern, an assert, because its other side ends the process.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const build = path.join(root, 'build-coverage');
const assertion = '\\s*assert\\(.*';

const rows = readFileSync(path.join(here, 'core.txt'), 'utf8').split('\n')
	.map((line) => line.replace(/#.*/, '').trim()).filter(Boolean)
	.map((line) => line.split(':')).map(([file, tests]) => ({ file, tests: tests.trim().split(/\s+/) }));

function run(program, args, options = {}, fine = (status) => status === 0) {
	const done = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, ...options });
	if (!fine(done.status))
		throw new Error(`${program} ${args.join(' ')}\n${(done.stdout + done.stderr).split('\n').slice(-60).join('\n')}`);
	return done.stdout;
}

function filesOf(directory, ending, found = []) {
	for (const entry of readdirSync(directory, { withFileTypes: true })) {
		const name = path.join(directory, entry.name);
		if (entry.isDirectory()) filesOf(name, ending, found);
		else if (entry.name.endsWith(ending)) found.push(name);
	}
	return found;
}
const counters = (directory) => filesOf(directory, '.gcda');

function configure() {
	run('tools/configure.sh', ['build-coverage', '-Dtests=true', '-Dweb=false', '-Dbuildtype=plain', '-Doptimization=0',
		'-Db_coverage=true', '-Dc_args=-fprofile-update=atomic']); // threads count too
	run('ninja', ['-C', build, 'build.ninja']); // what it knows of the tests is of today
}

// Only what these tests need is built: meson's own list of tests names their programs.
function runTests(names) {
	configure();
	const tests = JSON.parse(run('meson', ['introspect', '--tests', build]))
		.filter(({ name, suite }) => names.includes(name));
	for (const name of names)
		if (!tests.some((test) => test.name === name)) throw new Error(`core.txt: there is no test ${name}`);
	const programs = tests.flatMap(({ cmd, depends }) => [path.relative(build, cmd[0]), ...depends])
		.map((name) => name.replace(/@(exe|cus|sta)$/, ''));
	const targets = JSON.parse(run('meson', ['introspect', '--targets', build]));
	const wanted = programs.map((name) => {
		const target = targets.find(({ id }) => id === name || id === `${name}@exe`);
		return target ? path.relative(build, target.filename[0]) : name;
	});
	run('ninja', ['-C', build, '-j2', ...new Set(wanted)]);
	for (const file of counters(build)) rmSync(file);
	run('meson', ['test', '-C', build, '--no-rebuild', '--timeout-multiplier', '10', '--print-errorlogs', ...names]);
}

function measure() {
	const out = path.join(build, 'coverage.json');
	// Objects that did not run may be of older sources: gcovr stumbles over two versions of one function.
	const idle = filesOf(build, '.gcno').filter((name) => !existsSync(name.replace(/gcno$/, 'gcda')));
	for (const name of idle) renameSync(name, `${name}.idle`);
	try {
		run('gcovr', ['--root', root, '--object-directory', build, '--filter', 'src/', '--exclude-unreachable-branches',
			'--exclude-branches-by-pattern', assertion, '--json', out, build]);
	} finally {
		for (const name of idle) renameSync(`${name}.idle`, name);
	}
	return new Map(JSON.parse(readFileSync(out, 'utf8')).files.map((file) => [file.file, file.lines]));
}

// "all": every unit test, and what they reach of each room. Programs in their sandbox write no counters.
function measureAll() {
	configure();
	run('ninja', ['-C', build, '-j2']);
	for (const file of counters(build)) rmSync(file);
	const log = run('meson', ['test', '-C', build, '--no-rebuild', '--timeout-multiplier', '10'], {}, () => true);
	const rooms = new Map();
	for (const [file, lines] of measure()) {
		const name = file.split('/')[1];
		const room = rooms.get(name) ?? { lines: [0, 0], branches: [0, 0] };
		rooms.set(name, room);
		for (const line of lines.filter((one) => !one['gcovr/noncode'])) {
			room.lines[0] += line.count > 0;
			room.lines[1]++;
			room.branches[0] += line.branches.filter(({ count }) => count > 0).length;
			room.branches[1] += line.branches.length;
		}
	}
	const percent = ([taken, all]) => `${all ? Math.round(1000 * taken / all) / 10 : 100} %`;
	const total = { lines: [0, 0], branches: [0, 0] };
	for (const [name, room] of rooms) {
		for (const what of ['lines', 'branches']) for (const i of [0, 1]) total[what][i] += room[what][i];
		console.log(`     ${name.padEnd(12)} lines ${percent(room.lines).padStart(7)}   branches ${percent(room.branches).padStart(7)}`);
	}
	console.log(`     ${'all'.padEnd(12)} lines ${percent(total.lines).padStart(7)}   branches ${percent(total.branches).padStart(7)}`);
	for (const line of log.split('\n').filter((one) => / (FAIL|TIMEOUT) /.test(one))) console.log(`     (${line.trim()})`);
}

process.on('uncaughtException', (error) => {
	console.log(`${error.message}\n0 passed, 1 failed`);
	process.exit(1);
});
const only = process.argv.slice(2);
if (only[0] === 'all') {
	measureAll();
	process.exit(0);
}
const chosen = only.length ? rows.filter(({ file }) => only.some((word) => file.includes(word))) : rows;
if (!existsSync(build)) mkdirSync(build, { recursive: true });
runTests([...new Set(chosen.flatMap(({ tests }) => tests))]);
const lines = measure();
let failed = 0;
let total = 0;
for (const { file } of chosen) {
	const found = lines.get(file);
	if (!found) throw new Error(`core.txt: ${file} was not measured`);
	const source = readFileSync(path.join(root, file), 'utf8').split('\n');
	const branches = found.flatMap((line) => line.branches);
	const missed = found.filter((line) => line.branches.some(({ count }) => count === 0));
	const never = found.filter((line) => line.count === 0 && !line['gcovr/noncode']);
	total += branches.length;
	if (missed.length || never.length) failed++;
	console.log(`${missed.length || never.length ? 'FAIL' : 'ok  '} ${file} ${branches.filter(({ count }) => count > 0).length} of ${branches.length} branches`);
	for (const line of missed)
		console.log(`     ${line.line_number}: ${line.branches.map(({ count }) => count > 0 ? '+' : '-').join('')} ${source[line.line_number - 1].trim()}`);
	for (const line of never.filter((one) => !missed.includes(one)))
		console.log(`     ${line.line_number}: never ${source[line.line_number - 1].trim()}`);
}
console.log(`the security core: ${total} branches`);
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
