// SPDX-License-Identifier: Apache-2.0
// Seeds defects into the security core, one at a time, and lets the tests of their file find them:
// node tests/mutation/run.mjs [COUNT] [FILE..]. Fewer than 95 of 100 found is a failure, and the others are named.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { apply, mutantsOf } from './mutants.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '../..');
const place = path.join(root, 'build-mutation');
const lanes = 2;
const least = 0.95;
const words = process.argv.slice(2);
const count = /^\d+$/.test(words[0] ?? '') ? Number(words.shift()) : 200;

const table = (file) => readFileSync(file, 'utf8').split('\n').map((line) => line.replace(/(^|\s)#.*/, '').trim()).filter(Boolean);
const core = table(path.join(root, 'tests/coverage/core.txt'))
	.map((line) => line.split(':')).map(([file, tests]) => ({ file, tests: tests.trim().split(/\s+/) }))
	.filter(({ file }) => words.length === 0 || words.some((word) => file.includes(word)));
// "FILE: from => to in: the line": a change that is none.
const same = new Set(table(path.join(here, 'equivalent.txt')));
const key = (file, source, { from, to, line, what }) =>
	`${file}: ${what}: ${from.replace(/\s+/g, ' ')} => ${to.replace(/\s+/g, ' ')} in: ${source.split('\n')[line - 1].trim()}`;

// The same defects every time, a fair share of each file.
function choose() {
	let seed = 0x5a11;
	const random = () => { // mulberry32: the choice is to be repeatable, nothing else
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const all = core.map(({ file, tests }) => {
		const source = readFileSync(path.join(root, file), 'utf8');
		const mutants = mutantsOf(source).filter((mutant) => !same.has(key(file, source, mutant)));
		for (let i = mutants.length - 1; i > 0; i--) {
			const j = Math.floor(random() * (i + 1));
			[mutants[i], mutants[j]] = [mutants[j], mutants[i]];
		}
		return { file, tests, source, mutants };
	});
	const total = all.reduce((sum, { mutants }) => sum + mutants.length, 0);
	console.log(`${total} defects could be seeded in ${core.length} files`);
	return all.map((one) => ({ ...one, share: Math.max(1, Math.round(count * one.mutants.length / total)) }));
}

function run(program, args, options = {}) {
	const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
	if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}\n${(done.stdout + done.stderr).slice(-4000)}`);
	return done.stdout;
}

// A copy of the tree for each lane, so that nobody's sources are touched.
function prepare(lane) {
	const tree = path.join(place, `tree${lane}`);
	rmSync(tree, { recursive: true, force: true });
	mkdirSync(tree, { recursive: true });
	for (const name of run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root }).split('\n'))
		if (name && existsSync(path.join(root, name))) {
			mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
			copyFileSync(path.join(root, name), path.join(tree, name));
		}
	run('meson', ['setup', 'build', '-Dtests=true', '-Dweb=false', '-Dbuildtype=debug', '-Db_sanitize=address,undefined',
		'-Db_lundef=false', '-Dwerror=false'], { cwd: tree });
	const tests = JSON.parse(run('meson', ['introspect', '--tests', 'build'], { cwd: tree }));
	const targets = JSON.parse(run('meson', ['introspect', '--targets', 'build'], { cwd: tree }));
	const build = path.join(tree, 'build');
	return { tree, build, tests, goal: (name) => {
		const test = tests.find((one) => one.name === name);
		const wanted = test.depends.map((id) => targets.find((target) => target.id === id)).filter(Boolean)
			.filter((target) => target.type === 'executable').map((target) => path.relative(build, target.filename[0]));
		return { cmd: test.cmd, wanted: [path.relative(build, test.cmd[0]), ...wanted] };
	} };
}

// Resolves to the exit status; undefined when it took too long.
function attempt(cmd, cwd, milliseconds) {
	return new Promise((done) => {
		const child = spawn(cmd[0], cmd.slice(1), { cwd, stdio: 'ignore', detached: true,
			env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'halt_on_error=1' } });
		const timer = setTimeout(() => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* gone */ } }, milliseconds);
		let late = false;
		setTimeout(() => (late = true), milliseconds).unref();
		child.on('exit', (code) => { clearTimeout(timer); done(late ? undefined : code ?? 1); });
	});
}

async function measure(lane, work) {
	for (const one of work) {
		const goals = one.tests.map((name) => lane.goal(name));
		const target = path.join(lane.tree, one.file);
		run('ninja', ['-C', lane.build, '-j1', ...goals.flatMap(({ wanted }) => wanted)]);
		const begun = Date.now();
		for (const { cmd } of goals)
			if (await attempt(cmd, lane.build, 120000) !== 0) throw new Error(`${one.tests} fail without a defect`);
		const patience = 5000 + 5 * (Date.now() - begun);
		let tried = 0;
		for (const mutant of one.mutants) {
			if (tried === one.share) break;
			writeFileSync(target, apply(one.source, mutant));
			const built = await attempt(['ninja', '-C', lane.build, '-j1', ...goals.flatMap(({ wanted }) => wanted)], lane.build, 120000);
			if (built !== 0) continue; // no defect a compiler lets pass
			tried++;
			let found = false;
			for (const { cmd } of goals) found ||= await attempt(cmd, lane.build, patience) !== 0;
			tally[found ? 'found' : 'missed']++;
			if (!found) console.log(`MISSED line ${mutant.line} of ${key(one.file, one.source, mutant)}`);
		}
		writeFileSync(target, one.source);
		console.log(`ok   ${one.file}: ${tried} tried`);
	}
}

const tally = { found: 0, missed: 0 };
const work = choose();
const queues = Array.from({ length: lanes }, () => []);
work.sort((a, b) => b.share - a.share).forEach((one, index) => queues[index % lanes].push(one));
rmSync(place, { recursive: true, force: true });
await Promise.all(queues.map((queue, index) => measure(prepare(index), queue)));
const all = tally.found + tally.missed;
console.log(`${tally.found} of ${all} defects found (${(100 * tally.found / all).toFixed(1)} %)`);
const good = tally.found >= least * all;
console.log(good ? '1 passed, 0 failed' : '0 passed, 1 failed');
process.exit(good ? 0 : 1);
