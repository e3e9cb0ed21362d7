// SPDX-License-Identifier: Apache-2.0
// A person without a browser: opens a session URL the way the page does (contract section 4) and
// speaks the view stream of src/wire/view.h.
import { randomBytes, webcrypto } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

import { until } from './story.mjs';

export const FRAME = { STATE: 1, TEXT: 2, SIZE: 3, NOTICE: 4, ENDED: 5, JOIN: 6, LEAVE: 7, KEYFRAME: 8, GAP: 0x10, KEYS: 0x40,
	PASTE: 0x41, RESIZE: 0x42, REPORT: 0x43, END: 0x44, CHALLENGE: 0x80, PROOF: 0x81, WELCOME: 0x82, ACK: 0x83, PING: 0x84,
	PONG: 0x85, REFUSED: 0x86, SKIPPED: 0x87, TOLD: 0x89 };
export const STATE = { CONNECTING: 1, LOGGING_IN: 2, LIVE: 3, OVER: 4 };
const FROM_START = 0xffffffffffffffffn;

export function frame(type, payload = Buffer.alloc(0)) {
	const header = Buffer.alloc(8);
	header[0] = type;
	header.writeUInt32LE(payload.length, 4);
	return Buffer.concat([header, Buffer.from(payload)]);
}

export class Person {
	// With `counts` it has a number of its own, as a page has: what it types and the gateway did not take
	// is sent again at the next attachment, and nothing twice.
	constructor(gateway, { columns = 80, rows = 24, acknowledge = true, localAddress, agent, counts = false } = {}) {
		Object.assign(this, { gateway, columns, rows, acknowledge, localAddress, agent, counts, page: randomBytes(8),
			outbox: [], taken: 0, attaches: 0 });
		this.forget();
	}

	forget() {
		Object.assign(this, { text: '', seen: '', bytes: 0, state: 0, words: '', ended: undefined, offset: FROM_START, notices: [], skips: 0,
			pending: Buffer.alloc(0) });
	}

	// Spends the URL; throws { status } when it is refused.
	async open(url, headers = {}) {
		this.keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
		const point = Buffer.from(await webcrypto.subtle.exportKey('raw', this.keys.publicKey));
		const answer = await this.gateway.request('POST', '/modulos/auth', {
			localAddress: this.localAddress, agent: this.agent,
			headers: { Origin: this.gateway.base, 'Sec-Fetch-Site': 'same-origin', ...headers },
			body: { sr: new URL(url).searchParams.get('_sr'), key: point.toString('base64'), columns: this.columns,
				rows: this.rows, width: 1280, height: 800 } });
		this.opened = answer;
		if (answer.status !== 200) throw Object.assign(new Error(`opening: ${answer.status} ${answer.text}`), answer);
		this.cookie = answer.headers['set-cookie'][0].split(';')[0];
		this.session = answer.json.session;
		return answer.json;
	}

	// Attaches and returns once WELCOME came; throws when refused.
	async attach({ offset, cookie = this.cookie, keys = this.keys, origin = this.gateway.base, session = this.session } = {}) {
		const socket = new WebSocket(`wss://127.0.0.1:${this.gateway.port}/session/${session}/attach`, ['sallyport.1'], {
			rejectUnauthorized: false, servername: 'localhost', localAddress: this.localAddress, perMessageDeflate: false,
			headers: { Host: this.gateway.host, Origin: origin, Cookie: cookie ?? '' } });
		this.socket = socket;
		this.welcome = undefined; // nothing is acknowledged before this attachment is proven
		this.proofOffset = offset ?? this.offset;
		this.pending = Buffer.alloc(0);
		this.closed = new Promise((done) => socket.on('close', (code) => done(code)));
		return new Promise((done, fail) => {
			socket.on('unexpected-response', (_, answer) => fail(Object.assign(new Error(`attach: HTTP ${answer.statusCode}`),
				{ status: answer.statusCode })));
			socket.on('error', fail);
			socket.on('close', (code) => fail(new Error(`attach: closed ${code}`)));
			socket.on('message', (data) => {
				if (socket === this.socket && !socket.isCut) // not what comes late, after the next attach
					this.receive(Buffer.from(data), keys, session, done, fail).catch(fail);
			});
		});
	}

	async receive(data, keys, session, done, fail) {
		this.pending = this.pending.length ? Buffer.concat([this.pending, data]) : data;
		let at = 0;
		while (this.pending.length - at >= 8) {
			const length = this.pending.readUInt32LE(at + 4);
			if (this.pending.length - at < 8 + length) break;
			const type = this.pending[at];
			const payload = this.pending.subarray(at + 8, at + 8 + length);
			at += 8 + length;
			if (type < 0x40) this.offset += BigInt(8 + length);
			if (type === FRAME.CHALLENGE) this.prove(Buffer.from(payload), keys, session).catch(fail);
			else this.take(type, payload, done, fail);
		}
		this.pending = this.pending.subarray(at);
		if (this.acknowledge && this.welcome) this.acknowledgeNow();
	}

	async prove(challenge, keys, session) {
		const { socket } = this;
		const signed = Buffer.concat([Buffer.from('sallyport attach 1\0'), Buffer.from(session), challenge]);
		const signature = Buffer.from(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, signed));
		const proof = Buffer.alloc(12);
		if (socket !== this.socket || socket.readyState !== WebSocket.OPEN) return; // another attachment has begun meanwhile
		proof.writeBigUInt64LE(this.proofOffset, 0);
		proof.writeUInt16LE(this.columns, 8);
		proof.writeUInt16LE(this.rows, 10);
		socket.send(frame(FRAME.PROOF, Buffer.concat([proof, signature, this.counts ? this.page : Buffer.alloc(0)])));
	}

	// What was typed and not taken, again; known: the gateway remembers this page.
	sendAgain(known, taken) {
		if (this.outbox.length > 0 && !known && this.attaches > 0)
			throw new Error(`nobody knows what became of ${this.outbox.length} frames`);
		if (taken < this.taken || taken > this.taken + this.outbox.length)
			throw new Error(`${taken} frames taken, of ${this.taken} to ${this.taken + this.outbox.length}`);
		this.settle(taken);
		for (const typed of this.outbox) this.socket.send(typed);
	}

	settle(taken) {
		this.outbox.splice(0, taken - this.taken);
		this.taken = taken;
	}

	// Asks what was taken; true when that is everything.
	async allTaken() {
		if (this.socket?.readyState !== WebSocket.OPEN || !this.welcome) return false;
		const number = this.taken + this.outbox.length;
		const payload = Buffer.alloc(8);
		payload.writeBigUInt64LE(BigInt(number));
		this.socket.send(frame(FRAME.PING, payload));
		return until(() => this.outbox.length === 0, 'everything typed to be taken', 2000).then(() => true, () => false);
	}

	// Comes back after every loss, as the page does, until the session ends or somebody says leave().
	async stay() {
		this.staying = true;
		for (let wait = 20; this.staying && !this.ended;) {
			try {
				await this.attach();
				wait = 20;
				await this.closed;
			} catch (error) {
				if (this.refused && !/again|being restarted/i.test(this.refused)) {
					this.gone = this.refused;
					throw error;
				}
				this.refused = undefined;
				await sleep(wait = Math.min(wait * 2, 300));
			}
		}
	}

	leave() {
		this.staying = false;
		return this.close();
	}

	take(type, payload, done, fail) {
		switch (type) {
		case FRAME.WELCOME:
			this.welcome = { offset: payload.readBigUInt64LE(0), complete: payload[13] === 1 };
			this.offset = this.welcome.offset;
			try {
				if (this.counts) this.sendAgain(payload[14] === 1, Number(payload.readBigUInt64LE(24)));
			} catch (error) {
				this.fault = error;
				fail(error);
			}
			this.attaches++;
			this.awaits = this.welcome.complete ? null : 0;
			done(this);
			break;
		case FRAME.PONG:
			if (this.counts) this.settle(Number(payload.readBigUInt64LE(0)));
			break;
		case FRAME.GAP:
			(this.gaps ??= []).push({ why: payload[0], milliseconds: payload.readUInt32LE(4), words: payload.subarray(8).toString() });
			break;
		case FRAME.SKIPPED:
			if (payload.readBigUInt64LE(8) === 0n) break;
			this.offset = payload.readBigUInt64LE(0);
			this.awaits = 0; // the first part of a keyframe
			this.skips++;
			break;
		case FRAME.KEYFRAME:
			if (payload[4] !== this.awaits) break;
			this.awaits = payload[4] + 1 < payload[5] ? this.awaits + 1 : null;
			this.state = payload[6]; // it was said in bytes that are gone
			this.text += payload.subarray(8).toString('latin1');
			break;
		case FRAME.REFUSED: {
			const words = payload.subarray(4).toString();
			this.refused = words;
			fail(new Error(`refused: ${words}`));
			break;
		}
		case FRAME.STATE:
			this.state = payload[0];
			this.words = payload.subarray(1).toString();
			break;
		case FRAME.TEXT:
			this.bytes += payload.length;
			this.text += payload.toString('latin1');
			if (this.text.length > 1 << 24) this.text = this.text.slice(-(1 << 20)); // of a flood the end counts
			if (this.seen.length < 1 << 20) this.seen += payload.toString('latin1');
			break;
		case FRAME.NOTICE:
			this.notices.push(payload.toString());
			break;
		case FRAME.ENDED:
			this.ended = { why: payload.readInt32LE(0), exit: payload.readInt32LE(4), words: payload.subarray(8).toString() };
			break;
		}
		this.onFrame?.(type, payload);
	}

	acknowledgeNow(offset = this.offset) {
		const payload = Buffer.alloc(8);
		payload.writeBigUInt64LE(offset);
		if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame(FRAME.ACK, payload));
	}

	send(type, payload) {
		const bytes = frame(type, payload);
		const isInput = type >= 0x40 && type < 0x80;
		if (this.counts && isInput) this.outbox.push(bytes);
		if (!this.counts || !isInput || this.welcome && this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
	}

	type(text) {
		this.send(FRAME.KEYS, Buffer.from(text));
	}

	resize(columns, rows) {
		const payload = Buffer.alloc(8);
		[columns, rows, columns * 8, rows * 16].forEach((value, index) => payload.writeUInt16LE(value, index * 2));
		this.send(FRAME.RESIZE, payload);
	}

	live() {
		return until(() => this.ended ? Promise.reject(new Error(`ended: ${JSON.stringify(this.ended)}`)) :
			this.state === STATE.LIVE, 'the session to be live', 20000);
	}

	over() {
		return until(() => this.ended, 'the session to end', 20000);
	}

	// Waits for words on the screen; forgets what was before the match so that the next wait is fresh.
	async shows(pattern, milliseconds = 10000) {
		const regex = pattern instanceof RegExp ? pattern : new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
		const match = await until(() => this.text.match(regex), `${regex} on the screen, which says ${JSON.stringify(this.text.slice(-300))}`,
			milliseconds);
		this.text = this.text.slice(match.index + match[0].length);
		return match;
	}

	// Runs a command in the shell and returns what it printed.
	async run(command, milliseconds) {
		const mark = `m${Math.random().toString(36).slice(2)}`;
		this.type(`${command}; echo ${mark.slice(0, 3)}""${mark.slice(3)}\r`);
		const match = await this.shows(new RegExp(`([\\s\\S]*?)${mark}`), milliseconds);
		return match[1].split('\n').slice(1).join('\n');
	}

	close() {
		this.socket?.close();
		return this.closed;
	}
}
