// SPDX-License-Identifier: Apache-2.0
// A person whose connection breaks again and again, at random places: before the proof, between frames, in the
// midst of one, unnoticed, in good order, with the front that held it. The target prints a stream it remembers
// and remembers what it is told: in the end both sides must have exactly the same bytes, in both directions.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { frame, FRAME, Person } from '../../lib/person.mjs';
import { assert, until } from '../../lib/story.mjs';
import { family } from './life.mjs';

const BEGIN = 'the stream begins\n';
const PAUSE = 4; // ms between two blocks of output
const FLOOD = 256 * 1024; // bytes without an attachment: stays far inside of the ring
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ';

// Asks for name and password as telnetd does; then prints without end and writes down what it hears.
export class Parrot {
	static async start() {
		const parrot = new Parrot();
		parrot.lines = new Map(); // by name: { sent, heard }
		parrot.open = new Set();
		parrot.server = net.createServer((socket) => parrot.serve(socket));
		await new Promise((done) => parrot.server.listen(0, '127.0.0.1', 1024, done));
		parrot.port = parrot.server.address().port;
		return parrot;
	}

	serve(socket) {
		const line = { socket, sent: [], size: 0, heard: [], quiet: true };
		const words = [];
		let word = '';
		this.open.add(socket);
		socket.setNoDelay(true);
		socket.on('error', () => {});
		socket.on('close', () => this.open.delete(socket));
		socket.write(Buffer.from([255, 251, 1, 255, 251, 3])); // it echoes, it says: then nobody else does
		socket.write('login: ');
		socket.on('data', (data) => {
			const heard = data.filter((byte) => byte === 13 || (byte >= 32 && byte < 127)); // no Telnet, no NUL after CR
			if (words.length >= 3) return line.heard.push(Buffer.from(heard));
			for (const byte of heard) {
				if (byte !== 13) {
					word += String.fromCharCode(byte);
					continue;
				}
				words.push(word);
				word = '';
				if (words.length === 1) socket.write('Password: ');
				if (words.length === 2) socket.write('\r\n$ ');
				if (words.length === 3) this.begin(line, words[2]);
			}
			return undefined;
		});
	}

	// The first line names it: whoever types it knows which of the many sessions this is.
	begin(line, name) {
		this.lines.set(name, line);
		line.socket.write(BEGIN);
	}

	say(line, bytes) {
		line.sent.push(bytes);
		line.size += bytes.length;
		line.socket.write(bytes);
	}

	async stop() {
		for (const socket of this.open) socket.destroy();
		await new Promise((done) => this.server.close(done));
	}
}

export class Sufferer {
	constructor(gateway, parrot, dice, name) {
		Object.assign(this, { gateway, parrot, dice, name, got: [], size: 0, typed: [], typedSize: 0, breaks: 0, ways: {} });
	}

	async start() {
		this.person = new Person(this.gateway, { counts: true });
		const session = await this.gateway.session({});
		await this.person.open(session.session_url);
		let seen = '';
		let begun = false;
		this.person.onFrame = (type, payload) => {
			if (type !== FRAME.TEXT) return;
			if (begun) return this.take(Buffer.from(payload));
			seen += payload.toString('latin1');
			const at = seen.indexOf(BEGIN);
			begun = at >= 0;
			if (begun) this.take(Buffer.from(seen.slice(at + BEGIN.length), 'latin1'));
			return undefined;
		};
		await this.person.attach();
		await this.person.live();
		this.person.send(FRAME.KEYS, Buffer.from(`${this.name}\r`));
		this.line = await until(() => this.parrot.lines.get(this.name), `${this.name} at the target`);
		this.printer = this.print();
	}

	take(bytes) {
		this.got.push(bytes);
		this.size += bytes.length;
	}

	async print() {
		while (!this.over) {
			if (this.line.size - this.size < FLOOD) {
				const length = this.dice.below(this.dice.below(20) === 0 ? 20000 : 700) + 1;
				this.parrot.say(this.line, Buffer.from(this.letters(length)));
			}
			await sleep(PAUSE);
		}
	}

	letters(length) {
		const start = this.dice.below(LETTERS.length);
		const step = 1 + this.dice.below(LETTERS.length - 1);
		return Array.from({ length }, (_, at) => LETTERS[(start + at * step + (at >> 5)) % LETTERS.length]).join('');
	}

	// A frame that is counted; where it goes is the caller's.
	words(length = 1 + this.dice.below(this.dice.below(10) === 0 ? 3000 : 12)) {
		const text = this.dice.below(6) === 0 ? `${this.letters(length - 1)}\r` : this.letters(length);
		this.typed.push(Buffer.from(text));
		this.typedSize += text.length;
		return [this.dice.below(8) === 0 ? FRAME.PASTE : FRAME.KEYS, Buffer.from(text)];
	}

	type(most = 4) {
		for (let count = this.dice.below(most); count > 0; count--) this.person.send(...this.words());
	}

	// Until it stands; the front may be dead just now.
	async attach() {
		for (;;) {
			try {
				return await this.person.attach();
			} catch (error) {
				if (this.person.fault) throw this.person.fault;
				if (this.person.ended) throw new Error(`ended: ${JSON.stringify(this.person.ended)}`);
				if (this.person.refused && !/again|being restarted/i.test(this.person.refused)) throw error;
				this.person.refused = undefined;
				await sleep(10);
			}
		}
	}

	cut(socket = this.person.socket) {
		socket.isCut = true;
		socket.on('error', () => {});
		socket._socket?.destroy();
		socket.terminate();
	}

	async once() {
		const { dice, person } = this;
		const way = dice.one(Object.keys(WAYS));
		this.ways[way] = (this.ways[way] ?? 0) + 1;
		await WAYS[way](this, dice, person);
		this.breaks++;
	}

	// Everything that is under way arrives; then both sides must have the same.
	async check() {
		this.over = true;
		await this.printer;
		await this.attach();
		await until(() => this.person.allTaken(), 'what was typed to be taken', 20000);
		const heard = () => this.line.heard.reduce((sum, bytes) => sum + bytes.length, 0);
		await until(() => heard() >= this.typedSize, () => `${this.typedSize} bytes typed, ${heard()} heard`, 20000).catch(() => {});
		await until(() => this.size >= this.line.size, 'the whole output', 20000).catch(() => {});
		same(Buffer.concat(this.typed), Buffer.concat(this.line.heard), `${this.name}: typed and heard by the target`);
		same(Buffer.concat(this.line.sent), Buffer.concat(this.got), `${this.name}: printed by the target and seen`);
		assert(this.person.welcome.complete, `${this.name}: the ring had everything`);
	}

	async leave() {
		this.person.send(FRAME.END);
		await this.person.over();
	}

	// The recording has the same bytes, and tells when nobody was there.
	async checkRecording() {
		await this.leave();
		const { session } = this.person;
		await until(() => this.gateway.cli(['session', 'show', session]).state === 'ended', `${this.name}: the session to be ended`);
		const { events } = JSON.parse(this.gateway.cli(['recording', 'export', session, '--format', 'json', '--secrets'], { raw: true }).out);
		const bytes = (types) => Buffer.concat(events.filter(({ type }) => types.includes(type))
			.map(({ text, base64 }) => (text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text))));
		const text = bytes(['TEXT']);
		same(Buffer.concat(this.line.sent), text.subarray(text.indexOf(BEGIN) + BEGIN.length), `${this.name}: printed and recorded`);
		same(Buffer.concat([Buffer.from(`${this.name}\r`), ...this.typed]), bytes(['KEYS', 'PASTE']), `${this.name}: typed and recorded`);
		return events.filter(({ type }) => type === 'GAP').length;
	}

	async end() {
		this.over = true;
		this.person?.socket?.terminate();
		await this.printer;
	}
}

// How a connection may break. Each leaves the person without one.
const WAYS = {
	'at once': async (it) => {
		await it.attach();
		it.type();
		it.cut();
	},
	'after a while': async (it, dice) => {
		await it.attach();
		it.type();
		await sleep(dice.below(12));
		it.type();
		it.cut();
	},
	'after some bytes': async (it, dice, person) => {
		await it.attach();
		it.type();
		const until = it.size + dice.below(6000);
		await new Promise((done) => {
			const before = person.onFrame;
			const finish = () => {
				person.onFrame = before;
				clearTimeout(timer);
				it.cut();
				done();
			};
			const timer = setTimeout(finish, 60);
			person.onFrame = (type, payload) => {
				before(type, payload);
				if (it.size >= until) finish();
			};
		});
	},
	'before the proof': async (it, dice, person) => {
		const attached = person.attach().catch(() => {});
		await sleep(dice.below(8));
		it.cut();
		await attached;
		if (person.fault) throw person.fault;
	},
	'within a frame of the session': async (it, dice, person) => {
		await it.attach();
		it.type();
		const whole = frame(...it.words(20));
		person.outbox.push(whole);
		person.socket.isCut = true; // nothing goes out behind the half
		person.socket.send(whole.subarray(0, 1 + dice.below(whole.length - 1)), () => it.cut());
		await person.closed;
	},
	'within a frame of the WebSocket': async (it, dice, person) => {
		await it.attach();
		it.type();
		const whole = frame(...it.words(40));
		person.outbox.push(whole);
		const mask = Buffer.from([1, 2, 3, 4]);
		const masked = Buffer.from(whole.map((byte, at) => byte ^ mask[at & 3]));
		person.socket.isCut = true;
		const packet = Buffer.concat([Buffer.from([0x82, 0x80 | whole.length]), mask, masked]);
		person.socket._socket.write(packet.subarray(0, 1 + dice.below(packet.length - 1)), () => it.cut());
		await person.closed;
	},
	'in good order': async (it, dice, person) => {
		await it.attach();
		it.type();
		await sleep(dice.below(6));
		await person.close();
	},
	// The old connection still stands, as far as anybody knows, when the next one comes.
	unnoticed: async (it, dice, person) => {
		await it.attach();
		it.type();
		await sleep(dice.below(6));
		const old = person.socket;
		old.removeAllListeners('message');
		old.pause();
		it.type(3);
		await it.attach();
		it.cut(old);
		await sleep(dice.below(4));
		it.cut();
	},
	'and typed on without one': async (it) => {
		await it.attach();
		it.cut();
		await it.person.closed;
		it.person.welcome = undefined;
		it.type();
	},
};

export function same(expected, found, words) {
	if (expected.equals(found)) return;
	let at = 0;
	while (at < expected.length && at < found.length && expected[at] === found[at]) at++;
	throw new Error(`${words}: ${expected.length} and ${found.length} bytes, not the same from ${at}: ` +
		`${JSON.stringify(expected.subarray(Math.max(0, at - 20), at + 40).toString())} and ${JSON.stringify(found.subarray(Math.max(0, at - 20), at + 40).toString())}`);
}

// The front dies at random moments while all of this goes on; it is back in time.
async function killFronts(gateway, dice, isOver, apart, killed) {
	for (;;) {
		const until = Date.now() + dice.between(apart * 0.6, apart * 1.4);
		while (Date.now() < until && !isOver()) await sleep(50);
		if (isOver()) return;
		const front = family(gateway).find(({ name }) => name === 'front');
		if (front) {
			process.kill(front.pid, 'SIGKILL');
			killed.count++;
		}
	}
}

export async function disconnect({ gateway, parrot, dice, count, sessions, apart = 5000 }) {
	const all = Array.from({ length: sessions }, (_, number) => new Sufferer(gateway, parrot, dice(`person ${number}`), `person${number}`));
	const killed = { count: 0 };
	let left = count;
	let over = false;
	let gaps = 0;
	try {
		for (const one of all) await one.start();
		const killer = killFronts(gateway, dice('killer'), () => over, apart, killed);
		const suffer = async (one) => {
			while (left-- > 0) await one.once();
		};
		try {
			await Promise.all(all.map(suffer));
		} finally {
			over = true;
			await killer;
		}
		for (const one of all) await one.check();
		gaps = await all[0].checkRecording();
		assert(gaps > 0, 'no gap was recorded');
	} finally {
		over = true;
		for (const one of all) await one.end();
	}
	const sum = (of) => all.reduce((total, one) => total + of(one), 0);
	return { breaks: sum((one) => one.breaks), fronts: killed.count, seen: sum((one) => one.size), typed: sum((one) => one.typedSize) };
}
