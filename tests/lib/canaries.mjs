// SPDX-License-Identifier: Apache-2.0
// Secrets that are planted, and looked for in every form somebody might have written them down in.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { build, programs } from './gateway.mjs';

const least = 8; // shorter needles are found anywhere

export function buildTools() {
	const done = spawnSync('ninja', ['-C', build, 'meson-out/canary-sweep', 'meson-out/canary-keys'], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(done.stdout + done.stderr);
}

// Base64 of a text that stands inside of another: its three alignments, without the digits its neighbours share.
function base64Inside(bytes) {
	return [0, 1, 2].map((before) => {
		const all = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
		const whole = (before + bytes.length) % 3 === 0 ? all : all.slice(0, -1);
		return whole.slice([0, 2, 3][before]);
	});
}

export function formsOf(bytes) {
	const text = bytes.toString('utf8');
	const hex = bytes.toString('hex');
	const forms = { plain: [bytes], hex: [hex], HEX: [hex.toUpperCase()], base64: base64Inside(bytes),
		base64url: base64Inside(bytes).map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
		url: [[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
		URL: [[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')],
		utf16le: [Buffer.from(bytes.toString('latin1'), 'utf16le')],
		utf16be: [Buffer.from(bytes.toString('latin1'), 'utf16le').swap16()] };
	if (Buffer.from(text, 'utf8').equals(bytes)) {
		forms['url as needed'] = [encodeURIComponent(text)];
		forms.json = [JSON.stringify(text).slice(1, -1)];
	}
	const seen = new Set();
	return Object.entries(forms).flatMap(([form, all]) => all.map((needle) => ({ form, needle: Buffer.from(needle) })))
		.filter(({ needle }) => needle.length >= least && !seen.has(needle.toString('hex')) && seen.add(needle.toString('hex')));
}

export class Canaries {
	constructor() {
		this.directory = mkdtempSync(path.join(tmpdir(), 'canaries-'));
		this.planted = new Map(); // name: bytes
	}

	// A secret; kind is what it is one of ("password", "private key" ..).
	plant(kind, value) {
		const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value);
		if (bytes.length < least) throw new Error(`${kind}: too short to be looked for`);
		for (const [name, known] of this.planted) if (known.equals(bytes)) return name;
		const name = `${kind} ${[...this.planted.keys()].filter((known) => known.startsWith(`${kind} `)).length + 1}`;
		this.planted.set(name, bytes);
		return name;
	}

	kinds() { return new Set([...this.planted.keys()].map((name) => name.replace(/ \d+$/, ''))); }

	// Places as the sweep takes them (files, directories, "pid:N"): { hits: [{ name, form, place }], unread: [place] }
	sweep(places, wanted = () => true) {
		const file = path.join(this.directory, 'needles');
		writeFileSync(file, [...this.planted].filter(([name]) => wanted(name))
			.flatMap(([name, bytes]) => formsOf(bytes).map(({ form, needle }) => `${name}|${form} ${needle.toString('hex')}\n`)).join(''));
		const done = spawnSync(path.join(programs, 'canary-sweep'), [file, ...places], { encoding: 'utf8', maxBuffer: 1 << 28 });
		if (done.status !== 0) throw new Error(`canary-sweep: ${done.status} ${done.stderr}`);
		const lines = done.stdout.split('\n').filter(Boolean);
		const hits = lines.filter((line) => line.includes('\t')).map((line) => line.split('\t'))
			.map(([what, place]) => ({ name: what.split('|')[0], form: what.split('|')[1], place }));
		return { hits, unread: lines.filter((line) => line.startsWith('unread: ')).map((line) => line.slice(8)) };
	}

	// Texts kept by the test: answers, output of commands.
	sweepTexts(texts, wanted) {
		const directory = mkdtempSync(path.join(this.directory, 'texts-'));
		texts.forEach(({ name, text }, index) => writeFileSync(path.join(directory, `${index}-${name.replace(/[^a-z0-9]+/gi, '_').slice(0, 80)}`), text));
		return this.sweep([directory], wanted);
	}

	finish() { rmSync(this.directory, { recursive: true, force: true }); }
}

export const tell = (hits) => [...new Set(hits.map(({ name, form, place }) => `${name} (${form}) in ${place}`))].slice(0, 12).join('; ');

// The keys of an installation: [{ name, bytes }]
export function keysOf(directory, recordings = [], passphrase = '') {
	const done = spawnSync(path.join(programs, 'canary-keys'), [directory, ...recordings], { encoding: 'utf8', input: passphrase });
	if (done.status !== 0) throw new Error(`canary-keys: ${done.status} ${done.stderr}`);
	return done.stdout.split('\n').filter(Boolean).map((line) => line.match(/^(.*)-\d+ ([0-9a-f]+)$/))
		.map(([, name, hex]) => ({ name, bytes: Buffer.from(hex, 'hex') }));
}

// The 32 bytes that are an Ed25519 key, from the file ssh-keygen wrote.
export function seedOf(text) {
	const bytes = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
	let at = 15; // "openssh-key-v1" and its NUL
	const field = (from) => { const length = from.bytes.readUInt32BE(from.at); from.at += 4 + length; return from.bytes.subarray(from.at - length, from.at); };
	const outer = { bytes, at };
	for (let i = 0; i < 3; i++) field(outer);
	outer.at += 4;
	field(outer);
	const inner = { bytes: field(outer), at: 8 };
	field(inner);
	field(inner);
	return Buffer.from(field(inner).subarray(0, 32));
}
