// SPDX-License-Identifier: Apache-2.0
// The programs as they were built, the same objects, linked once more with hooks/hooks.c in front of libc.
// Each call makes a directory of its own with copies and a control file, for Gateway.start({ programs }).
import { chmodSync, closeSync, existsSync, linkSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, readdirSync, rmSync,
	statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, programs } from '../../lib/gateway.mjs';
import { compile, newest, run, workshop } from './tools.mjs';

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../hooks');
const rows = readFileSync(path.join(here, 'slots.def'), 'utf8');
const slots = (word) => [...rows.matchAll(new RegExp(`^${word}\\((\\w+)\\)`, 'gm'))].map((match) => match[1]);
const ALL = slots('ALL');
const EACH = slots('EACH');
const PROGRAMS = [...rows.match(/#define PROGRAMS (.*)/)[1].matchAll(/"(\w+)"/g)].map((match) => match[1]);
export const KIND = { write: 1, sync: 2, open: 3, rename: 4, truncate: 5, allocate: 6, close: 7 };
export const ERROR = { short: 0, EINTR: 4, EIO: 5, ENOSPC: 28, EROFS: 30 };

const directory = path.join(workshop, 'hooked');

function link(name, object) {
	const output = path.join(directory, name);
	const source = path.join(programs, name);
	if (existsSync(output) && statSync(output).mtimeMs > newest([source, object])) return;
	const line = run('ninja', ['-C', build, '-t', 'commands', '-s', `meson-out/${name}`]).trim().split('\n').at(-1);
	const wraps = ['store_begin', 'store_commit', 'sqlite3_exec'].map((word) => `-Wl,--wrap=${word}`).join(' ');
	const changed = line.replace(/ -o \S+/, ` -o '${output}' '${object}' ${wraps}`);
	run('sh', ['-c', changed], { cwd: build });
}

function linkAll() {
	mkdirSync(directory, { recursive: true });
	const source = path.join(here, 'hooks.c');
	const object = path.join(workshop, 'hooks.o');
	if (existsSync(object) && statSync(object).mtimeMs < newest([path.join(here, 'slots.def')])) rmSync(object);
	compile(object, [source], ['-c', '-fPIC', '-ffunction-sections', '-fno-builtin', source]);
	for (const name of readdirSync(programs).filter((file) => /^sallyport[a-z-]*$/.test(file))) link(name, object);
}

class Control {
	constructor() {
		linkAll();
		// On one file system with the linked programs, so that they need no copy.
		this.directory = mkdtempSync(path.join(workshop, 'control-'));
		chmodSync(this.directory, 0o755);
		for (const name of readdirSync(directory)) linkSync(path.join(directory, name), path.join(this.directory, name));
		this.file = path.join(this.directory, 'torture.control');
		writeFileSync(this.file, Buffer.alloc(8 * (ALL.length + PROGRAMS.length * EACH.length)));
		chmodSync(this.file, 0o666);
		this.fd = openSync(this.file, 'r+');
	}

	place(name, program) {
		if (program === undefined) return 8 * ALL.indexOf(name);
		return 8 * (ALL.length + PROGRAMS.indexOf(program) * EACH.length + EACH.indexOf(name));
	}

	// set({ clock_ms: 5 }), set({ memory_at: 3 }, 'front')
	set(values, program) {
		for (const [name, value] of Object.entries(values)) {
			const bytes = Buffer.alloc(8);
			bytes.writeBigInt64LE(BigInt(value));
			if (this.place(name, program) < 0) throw new Error(`no slot ${name}`);
			writeSync(this.fd, bytes, 0, 8, this.place(name, program));
		}
	}

	get(name, program) {
		const bytes = Buffer.alloc(8);
		readSync(this.fd, bytes, 0, 8, this.place(name, program));
		return Number(bytes.readBigInt64LE());
	}

	// The n-th call of a kind fails in one program, once or from then on.
	failCall(program, kind, nth, error, stays = false) {
		this.set({ call_at: 0, call_kind: KIND[kind], call_error: ERROR[error], call_stays: stays ? 1 : 0, call_hits: 0 }, program);
		this.set({ call_at: nth }, program);
	}

	// { write: 12, sync: 3, .. }: calls of one program so far
	calls(program) {
		return Object.fromEntries(Object.keys(KIND).map((kind) => [kind, this.get(`seen_${kind}`, program)]));
	}

	failMemory(program, nth) {
		this.set({ memory_seen: 0, memory_hits: 0, memory_at: nth }, program);
	}

	end() {
		closeSync(this.fd);
		rmSync(this.directory, { recursive: true, force: true });
	}
}

export const hooked = () => new Control();

// A hook that does nothing proves nothing: that they are there is seen from the count of allocations.
export function alive(control, program) {
	return control.get('memory_seen', program) > 0;
}

