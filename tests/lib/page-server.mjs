// SPDX-License-Identifier: Apache-2.0
// A gateway made of paper, for tests of the page alone: serves the built pages as the front does,
// spends links, checks proofs with the real signature, streams frames under the real window. What
// the target does is up to the test; by default it is a little shell that echoes.
import { execFileSync } from 'node:child_process';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { WebSocketServer } from 'ws';

import { constant, frames } from '../../tools/view-to-typescript.mjs';

export const FRAME = Object.fromEntries(frames().map(({ name, type }) => [name, type]));
export const STATE = { CONNECTING: 1, LOGGING_IN: 2, LIVE: 3, OVER: 4 };
const WINDOW = constant('base/limits.h', 'VIEW_WINDOW');
const RING = constant('base/limits.h', 'VIEW_RING_MAX');
const CONTEXT = constant('wire/view.h', 'VIEW_PROOF_CONTEXT');
const EVERYTHING = 0xffffffffffffffffn;
const root = fileURLToPath(new URL('../..', import.meta.url));

export function frame(type, ...parts) {
	const payload = Buffer.concat(parts.map((part) => Buffer.from(part)));
	const header = Buffer.alloc(8);
	header[0] = type;
	header.writeUInt32LE(payload.length, 4);
	return Buffer.concat([header, payload]);
}

function numbers16(...values) {
	const bytes = Buffer.alloc(values.length * 2);
	values.forEach((value, i) => bytes.writeUInt16LE(value, i * 2));
	return bytes;
}

function numbers32(...values) {
	const bytes = Buffer.alloc(values.length * 4);
	values.forEach((value, i) => bytes.writeInt32LE(value, i * 4));
	return bytes;
}

function number64(value) {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64LE(BigInt(value));
	return bytes;
}

function publicKey(point) {
	const base64url = (bytes) => bytes.toString('base64url');
	return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)),
		y: base64url(point.subarray(33, 65)) } });
}

/* One attached page: what was sent, what it said it has drawn. */
class Viewer {
	constructor(session, socket, offset) {
		Object.assign(this, { session, socket, sent: offset, acknowledged: offset, start: offset, moved: 0, holds: false });
	}

	pump() {
		for (const { end, bytes } of this.session.log) {
			if (end <= this.sent)
				continue;
			if (this.holds || end - this.acknowledged > WINDOW && this.sent > this.acknowledged)
				return;
			/* Split at odd places: message boundaries mean nothing. */
			const cut = bytes.length > 16 ? 5 + (end % 7) : bytes.length;
			this.socket.send(bytes.subarray(0, cut));
			if (cut < bytes.length)
				this.socket.send(bytes.subarray(cut));
			this.sent = end;
		}
	}

	/* What has not been sent is left out; the next frame that is put is a keyframe. */
	skip() {
		const bytes = this.session.offset - this.sent;
		this.sent = this.acknowledged = this.moved = this.session.offset;
		this.socket.send(frame(FRAME.SKIPPED, number64(this.sent), number64(bytes), numbers32(this.session.viewers.size)));
	}

	tell(words) {
		this.socket.send(frame(FRAME.TOLD, Buffer.from(words)));
	}

	acknowledge(offset) {
		/* Said before it knew that it was moved. */
		if (offset < this.moved)
			return;
		if (offset < this.acknowledged || offset > this.sent)
			this.session.faults.push(`ACK of ${offset}, ${this.acknowledged} before and ${this.sent} sent`);
		this.acknowledged = offset;
		this.session.acknowledgements.push(offset);
		this.pump();
	}
}

export class Session {
	constructor(server, facts) {
		Object.assign(this, { server, facts, id: facts.session, log: [], offset: 0, keptFrom: 0, viewers: new Set(),
			inputs: [], acknowledgements: [], faults: [], proofs: [], key: null, cookie: null, attaches: 0,
			welcomeLength: 32, taken: new Map(), refusal: null, line: '', size: null, answersPings: true });
		this.onInput = (type, payload) => this.shell(type, payload);
	}

	put(type, ...parts) {
		const bytes = frame(type, ...parts);
		this.offset += bytes.length;
		this.log.push({ end: this.offset, bytes });
		for (const viewer of this.viewers)
			viewer.pump();
		/* The ring keeps what someone attached has yet to get: the real one stops reading its target. */
		const needed = Math.min(...[...this.viewers].map(({ sent }) => sent));
		while (this.offset - this.keptFrom > RING && this.log[0].end <= needed)
			this.keptFrom = this.log.shift().end;
	}

	text(text) {
		const bytes = Buffer.from(text);
		for (let at = 0; at < bytes.length; at += 65536)
			this.put(FRAME.TEXT, bytes.subarray(at, at + 65536));
	}

	state(state, words = '') {
		this.put(FRAME.STATE, [state], words);
	}

	sized(columns, rows) {
		this.size = { columns, rows };
		this.put(FRAME.SIZE, numbers16(columns, rows, columns * 8, rows * 16));
	}

	/* What brings a terminal that was reset to the screen, in `parts` frames. */
	keyframe(bytes, { columns = 80, rows = 24, parts = 1, state = STATE.LIVE } = {}) {
		const all = Buffer.from(bytes);
		const length = Math.ceil(all.length / parts);
		for (let part = 0; part < parts; part++)
			this.put(FRAME.KEYFRAME, numbers16(columns, rows), [part, parts, state, 0],
				all.subarray(part * length, (part + 1) * length));
	}

	notice(words) {
		this.put(FRAME.NOTICE, words);
	}

	ended(why = 0, exitStatus = -1, words = '') {
		this.put(FRAME.ENDED, numbers32(why, exitStatus), words);
	}

	forgetBefore(offset) {
		while (this.log.length > 0 && this.log[0].end <= offset)
			this.keptFrom = this.log.shift().end;
	}

	/* Connected, logged in, a prompt. */
	live() {
		this.state(STATE.CONNECTING);
		this.state(STATE.LOGGING_IN);
		this.state(STATE.LIVE);
		this.text(`Welcome to ${this.facts.device}.\r\n$ `);
	}

	/* The network goes away for everyone attached. */
	drop() {
		for (const viewer of this.viewers)
			viewer.socket.terminate();
	}

	inputsOf(type) {
		return this.inputs.filter((input) => input.type === type).map(({ payload }) => payload);
	}

	get typed() {
		return Buffer.concat(this.inputs.filter(({ type }) => type === FRAME.KEYS || type === FRAME.PASTE)
			.map(({ payload }) => payload)).toString();
	}

	shell(type, payload) {
		if (type === FRAME.END)
			return this.ended(0, -1, 'You ended the session.');
		if (type === FRAME.RESIZE)
			return this.sized(payload.readUInt16LE(0), payload.readUInt16LE(2));
		if (type !== FRAME.KEYS && type !== FRAME.PASTE)
			return undefined;
		for (const character of payload.toString()) {
			if (character === '\r') {
				const [command, ...words] = this.line.split(' ');
				this.line = '';
				this.text('\r\n');
				this.run(command, words);
			} else if (character === '\x7f') {
				this.line = this.line.slice(0, -1);
				this.text('\b \b');
			} else {
				this.line += character;
				this.text(character);
			}
		}
		return undefined;
	}

	run(command, words) {
		if (command === 'exit')
			return this.ended(0, Number(words[0] ?? 0), '');
		if (command === 'echo')
			this.text(`${words.join(' ')}\r\n`);
		this.text('$ ');
		return undefined;
	}
}

function readBody(request) {
	return new Promise((done) => {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => done(Buffer.concat(parts).toString()));
	});
}

export class PageServer {
	static async start() {
		const server = new PageServer();
		server.directory = mkdtempSync(path.join(tmpdir(), 'page-server-'));
		server.pages = process.env.SALLYPORT_PAGES ?? path.join(server.directory, 'web');
		if (!existsSync(path.join(server.pages, 'manifest.json')))
			execFileSync(process.execPath, [path.join(root, 'web/build.mjs'), '--out', server.pages], { stdio: 'inherit' });
		const [key, certificate] = ['key.pem', 'cert.pem'].map((name) => path.join(server.directory, name));
		execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
			'-subj', '/CN=localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
		server.manifest = JSON.parse(readFileSync(path.join(server.pages, 'manifest.json'), 'utf8'));
		server.http = createServer({ key: readFileSync(key), cert: readFileSync(certificate) },
			(request, response) => void server.answer(request, response));
		server.http.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head));
		await new Promise((done) => server.http.listen(0, '127.0.0.1', done));
		server.base = `https://localhost:${server.http.address().port}`;
		return server;
	}

	constructor() {
		this.tickets = new Map();
		this.sessions = new Map();
		this.requests = [];
		this.isAway = false;
		this.isUpgrading = true;
		this.attachDelay = 0; /* ms */
		this.redeemStatus = 0;
		this.sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
	}

	stop() {
		for (const session of this.sessions.values())
			session.drop();
		this.http.closeAllConnections();
		this.http.close();
		rmSync(this.directory, { recursive: true, force: true });
	}

	/* A fresh link and its session; onRedeem says how the session begins. */
	link(facts = {}, onRedeem = (session) => session.live()) {
		const session = new Session(this, { session: randomBytes(20).toString('hex'), user: 'ana', application: 'helpdesk',
			device: 'db1.example', username: 'root', protocol: 'ssh', click: 0, recorded: 1, ...facts });
		const value = Buffer.from(`rbs:${randomBytes(96).toString('base64')}`).toString('base64');
		this.tickets.set(value, { session, onRedeem });
		this.sessions.set(session.id, session);
		return { url: `${this.base}/modulos/auth?_sr=${value}`, session };
	}

	async answer(request, response) {
		const { pathname } = new URL(request.url, this.base);
		this.requests.push(`${request.method} ${request.url}`);
		if (this.isAway)
			return request.socket.destroy();
		if (request.method === 'POST' && pathname === '/modulos/auth')
			return this.redeem(JSON.parse(await readBody(request)), request, response);
		const found = this.manifest.files.find(({ routes }) => routes.some((route) =>
			route === pathname || route.endsWith('*') && pathname.startsWith(route.slice(0, -1))));
		if (found === undefined)
			return response.writeHead(404).end();
		const packed = found.brotli !== null && /\bbr\b/.test(request.headers['accept-encoding'] ?? '');
		response.writeHead(200, { ...this.manifest.headers, 'Content-Type': found.type, 'Cache-Control': found.cache,
			...(packed ? { 'Content-Encoding': 'br' } : {}) });
		return response.end(request.method === 'HEAD' ? undefined
			: readFileSync(path.join(this.pages, packed ? found.brotli : found.file)));
	}

	redeem(body, request, response) {
		if (this.redeemStatus !== 0)
			return response.writeHead(this.redeemStatus).end();
		const ticket = this.tickets.get(body.sr);
		const point = Buffer.from(body.key ?? '', 'base64');
		if (ticket === undefined || request.headers.origin !== this.base || point.length !== 65)
			return response.writeHead(410, { 'Content-Type': 'application/json' }).end('{}');
		this.tickets.delete(body.sr);
		const { session, onRedeem } = ticket;
		session.redeemed = body;
		session.key = publicKey(point);
		session.cookie = randomBytes(32).toString('hex');
		onRedeem(session);
		response.writeHead(200, { 'Content-Type': 'application/json', 'Set-Cookie':
			`__Host-sallyport-${session.id.slice(0, 16)}=${session.cookie}; Secure; HttpOnly; SameSite=Strict; Path=/` });
		return response.end(JSON.stringify(session.facts));
	}

	upgrade(request, socket, head) {
		const session = this.sessions.get(/^\/session\/([0-9a-f]{40})\/attach$/.exec(request.url)?.[1]);
		const cookie = session && `__Host-sallyport-${session.id.slice(0, 16)}=${session.cookie}`;
		if (this.isAway || !this.isUpgrading || request.headers.origin !== this.base || session?.cookie == null
			|| !(request.headers.cookie ?? '').split('; ').includes(cookie))
			return socket.destroy();
		return setTimeout(() => this.sockets.handleUpgrade(request, socket, head,
			(connection) => this.attach(session, connection)), this.attachDelay);
	}

	attach(session, socket) {
		const challenge = randomBytes(32);
		let pending = Buffer.alloc(0);
		let viewer = null;
		session.attaches++;
		if (session.refusal !== null) {
			socket.send(frame(FRAME.REFUSED, numbers32(session.refusal.why), session.refusal.words));
			return socket.close();
		}
		socket.send(frame(FRAME.CHALLENGE, challenge));
		socket.on('close', () => session.viewers.delete(viewer));
		socket.on('message', (data) => {
			pending = Buffer.concat([pending, data]);
			while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32LE(4)) {
				const end = 8 + pending.readUInt32LE(4);
				const [type, payload] = [pending[0], pending.subarray(8, end)];
				pending = pending.subarray(end);
				if (viewer === null)
					viewer = this.prove(session, socket, challenge, type, payload);
				else
					this.take(session, viewer, type, Buffer.from(payload));
			}
		});
		return undefined;
	}

	prove(session, socket, challenge, type, payload) {
		const message = Buffer.concat([Buffer.from(`${CONTEXT}\0${session.id}`), challenge]);
		const isProof = type === FRAME.PROOF && verify('sha256', message,
			{ key: session.key, dsaEncoding: 'ieee-p1363' }, payload.subarray(12, 76));
		if (!isProof) {
			session.faults.push('a proof that does not hold');
			socket.close();
			return null;
		}
		const asked = payload.readBigUInt64LE(0);
		session.proofs.push({ asked, columns: payload.readUInt16LE(8), rows: payload.readUInt16LE(10) });
		const isKept = asked !== EVERYTHING && asked >= session.keptFrom && asked <= session.offset;
		const start = isKept ? Number(asked) : session.keptFrom;
		const complete = isKept || start === 0 ? 1 : 0;
		const page = payload.subarray(76).toString('hex');
		const isKnown = session.taken.has(page);
		socket.send(frame(FRAME.WELCOME, Buffer.concat([number64(start), numbers32(session.attaches),
			Buffer.from([session.isReadOnly ? 1 : 0, complete, isKnown ? 1 : 0, 0]), number64(session.offset),
			number64(session.taken.get(page) ?? 0)]).subarray(0, session.welcomeLength)));
		session.taken.set(page, session.taken.get(page) ?? 0);
		for (const earlier of session.viewers)
			if (earlier.page === page)
				earlier.socket.terminate();
		const viewer = new Viewer(session, socket, start);
		viewer.page = page;
		session.viewers.add(viewer);
		viewer.pump();
		return viewer;
	}

	take(session, viewer, type, payload) {
		if (type === FRAME.ACK)
			return viewer.acknowledge(Number(payload.readBigUInt64LE(0)));
		if (type === FRAME.PING)
			return session.answersPings && viewer.socket.send(frame(FRAME.PONG, payload));
		if (viewer.isDeaf)
			return undefined;
		session.taken.set(viewer.page, session.taken.get(viewer.page) + 1);
		session.inputs.push({ type, payload, at: performance.now() });
		return session.onInput(type, payload);
	}
}
