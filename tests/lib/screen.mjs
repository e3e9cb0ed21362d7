// SPDX-License-Identifier: Apache-2.0
// What a terminal shows and has in force, to the cell, from the page's own terminal without a picture;
// and the worker's mirror of it (mirror.c).
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from './gateway.mjs';
import { endWith } from './story.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { Terminal } = createRequire(path.join(root, 'tests/package.json'))('@xterm/headless');
const { Unicode11Addon } = createRequire(path.join(root, 'web/package.json'))('@xterm/addon-unicode11');

// As web/lib/terminal.ts makes it.
export function terminal(columns, rows) {
	const made = new Terminal({ allowProposedApi: true, cols: columns, rows, scrollback: 10000, logLevel: 'off' });
	made.loadAddon(new Unicode11Addon());
	made.unicode.activeVersion = '11';
	return made;
}

export const feed = (to, bytes) => new Promise((done) => to.write(bytes, done));

const MODE = 0x3000000;
const LINED = 0x10000000;

function color(value) {
	const number = value & 0xff;
	switch (value & MODE) {
	case 0x1000000: return `short ${number}`;
	case 0x2000000: return `one of 256: ${number}`;
	case MODE: return `rgb ${(value & 0xffffff).toString(16)}`;
	}
	return '-';
}

const flags = (value) => value >>> 26 & ~4;

function attributes(fg, bg, extended) {
	const style = fg & LINED ? extended?.underlineStyle ?? 1 : 0;
	return [color(fg), color(bg), flags(fg), flags(bg), style, style ? color(extended?.underlineColor ?? 0) : '-'].join(', ');
}

// An empty cell with more than a background is a blank: nobody sees a difference.
function cell(line, x) {
	const fg = line.getFg(x);
	const bg = line.getBg(x);
	const width = line.getWidth(x);
	const erased = fg === 0 && (bg & ~(MODE | 0xffffff)) === 0;
	const text = line.getString(x) || (width === 1 && !erased ? ' ' : '');
	return `${width}${JSON.stringify(text)} ${attributes(fg, bg, bg & LINED ? line._extendedAttrs[x] : undefined)}`;
}

function lines(buffer, columns, rows) {
	return Array.from({ length: rows }, (_, y) => {
		const line = buffer.lines.get(buffer.ybase + y);
		const cells = Array.from({ length: columns }, (__, x) => cell(line, x));
		return { cells, wrapped: y > 0 && line.isWrapped };
	});
}

function saved(buffer, columns, rows) {
	const { savedX, savedY, ybase, savedCurAttrData: { fg, bg }, savedCharset } = buffer;
	return { x: Math.min(savedX, columns - 1), y: Math.min(Math.max(savedY - ybase, 0), rows - 1),
		pen: attributes(fg & ~LINED, bg & ~LINED), line: (fg & LINED) !== 0, charset: savedCharset ?? null };
}

function buffer(from, columns, rows, shown) {
	const tabs = Object.keys(from.tabs).filter((x) => from.tabs[x] && x < columns);
	return { lines: lines(from, columns, rows), top: from.scrollTop, bottom: from.scrollBottom, tabs,
		saved: saved(from, columns, rows), ...(shown ? { x: from.x, y: from.y } : {}) };
}

// Everything about a terminal that a keyframe has to bring.
export function state({ _core: core, cols, rows }) {
	const { normal, alt, active } = core._bufferService.buffers;
	const { _curAttrData: pen, _parser: parser } = core._inputHandler;
	const { charset, glevel, _charsets } = core._charsetService;
	return {
		alternate: active === alt,
		normal: buffer(normal, cols, rows, active === normal),
		...(active === alt ? { shown: buffer(alt, cols, rows, true) } : {}),
		pen: attributes(pen.fg, pen.bg, pen.extended),
		modes: { ...core.coreService.modes, ...core.coreService.decPrivateModes },
		hidden: core.coreService.isCursorHidden,
		feedReturns: core.optionsService.rawOptions.convertEol,
		mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
		charset: charset ?? null,
		// ESC 8 brings back the set in force and not what is designated.
		designated: [0, 1, 2, 3].map((level) => (level === glevel ? charset : _charsets[level]) ?? null),
		level: glevel,
		parser: parser.currentState,
	};
}

// The first few places where two states differ.
export function differences(a, b, place = '', found = []) {
	if (found.length >= 4) return found;
	if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') {
		if (a !== b && !(a == null && b == null)) found.push(`${place}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
		return found;
	}
	for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) differences(a[key], b[key], `${place}.${key}`, found);
	return found;
}

export class Mirror {
	static program() {
		const done = spawnSync('ninja', ['-C', build, 'meson-out/mirror'], { encoding: 'utf8' });
		if (done.status !== 0) throw new Error(`the mirror is not built: ${done.stdout}`);
		return path.join(build, 'meson-out/mirror');
	}

	constructor(program = Mirror.program()) {
		this.process = endWith(spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] }));
		this.answers = Buffer.alloc(0);
		this.process.stdout.on('data', (bytes) => {
			this.answers = Buffer.concat([this.answers, bytes]);
			this.settle();
		});
		this.process.on('exit', (status) => this.waiting?.fail(new Error(`the mirror ended: ${status}`)));
	}

	settle() {
		if (!this.waiting || this.answers.length < 4) return;
		const length = this.answers.readUInt32LE(0);
		if (this.answers.length < 4 + length) return;
		const answer = Buffer.from(this.answers.subarray(4, 4 + length));
		this.answers = this.answers.subarray(4 + length);
		this.waiting.done(answer);
		this.waiting = undefined;
	}

	say(letter, bytes = Buffer.alloc(0)) {
		const head = Buffer.alloc(5);
		head[0] = letter.charCodeAt(0);
		head.writeUInt32LE(bytes.length, 1);
		this.process.stdin.write(Buffer.concat([head, bytes]));
	}

	size(letter, columns, rows) {
		const bytes = Buffer.alloc(4);
		bytes.writeUInt16LE(columns, 0);
		bytes.writeUInt16LE(rows, 2);
		this.say(letter, bytes);
	}

	begin(columns, rows) { this.size('S', columns, rows); }
	resize(columns, rows) { this.size('R', columns, rows); }
	note(bytes) { this.say('N', bytes); }
	rest() { this.say('I'); }
	keyframe() { return this.ask('K'); }
	widths() { return this.ask('W'); }

	ask(letter) {
		const answer = new Promise((done, fail) => { this.waiting = { done, fail }; });
		this.say(letter);
		return answer;
	}

	end() { this.process.stdin.end(); }
}
