// SPDX-License-Identifier: Apache-2.0
// An SSH server that can lie anywhere: curve25519, one host key, aes256-gcm, and every message made by
// hand. A script replaces what it wants to (see the steps of SshServer); the rest is honest: it lets in
// whoever gives any password, and its shell echoes.
import { createHash, createPublicKey, createCipheriv, createDecipheriv, diffieHellman, generateKeyPairSync, randomBytes,
	sign } from 'node:crypto';

export const MSG = { DISCONNECT: 1, IGNORE: 2, UNIMPLEMENTED: 3, DEBUG: 4, SERVICE_REQUEST: 5, SERVICE_ACCEPT: 6, EXT_INFO: 7, KEXINIT: 20,
	NEWKEYS: 21, ECDH_INIT: 30, ECDH_REPLY: 31, AUTH_REQUEST: 50, AUTH_FAILURE: 51, AUTH_SUCCESS: 52, AUTH_BANNER: 53, AUTH_INFO: 60,
	AUTH_RESPONSE: 61, GLOBAL_REQUEST: 80, REQUEST_SUCCESS: 81, REQUEST_FAILURE: 82, CHANNEL_OPEN: 90, CHANNEL_CONFIRM: 91,
	CHANNEL_OPEN_FAILURE: 92, WINDOW: 93, DATA: 94, EXTENDED: 95, EOF: 96, CLOSE: 97, CHANNEL_REQUEST: 98, CHANNEL_SUCCESS: 99,
	CHANNEL_FAILURE: 100 };

export const u32 = (value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value >>> 0); return bytes; };
export const string = (value) => { const bytes = Buffer.from(value); return Buffer.concat([u32(bytes.length), bytes]); };
export const byte = (value) => Buffer.from([value]);
export const message = (type, ...parts) => Buffer.concat([byte(type), ...parts.map((part) => Buffer.from(part))]);
const mpint = (bytes) => {
	let at = 0;
	while (at < bytes.length - 1 && bytes[at] === 0) at++;
	const rest = bytes.subarray(at);
	return string(rest[0] & 0x80 ? Buffer.concat([byte(0), rest]) : rest);
};

// Reads what string() and u32() wrote.
export class Reader {
	constructor(bytes, at = 1) { Object.assign(this, { bytes, at }); }
	u32() { this.at += 4; return this.bytes.readUInt32BE(this.at - 4); }
	byte() { return this.bytes[this.at++]; }
	string() { const length = this.u32(); this.at += length; return this.bytes.subarray(this.at - length, this.at); }
}

const raw = (key) => Buffer.from(key.export({ format: 'jwk' }).x, 'base64url');

// A host key: its blob in wire form, and its signature over the exchange hash.
export function hostKey(type = 'ed25519', options = {}) {
	if (type === 'ed25519') {
		const { publicKey, privateKey } = generateKeyPairSync('ed25519');
		return { algorithm: 'ssh-ed25519', blob: Buffer.concat([string('ssh-ed25519'), string(raw(publicKey))]),
			sign: (hash) => Buffer.concat([string('ssh-ed25519'), string(sign(null, hash, privateKey))]) };
	}
	if (type === 'ecdsa') {
		const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		const { x, y } = publicKey.export({ format: 'jwk' });
		const point = Buffer.concat([byte(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
		return { algorithm: 'ecdsa-sha2-nistp256', blob: Buffer.concat([string('ecdsa-sha2-nistp256'), string('nistp256'), string(point)]),
			sign: (hash) => {
				const signature = sign('sha256', hash, { key: privateKey, dsaEncoding: 'ieee-p1363' });
				return Buffer.concat([string('ecdsa-sha2-nistp256'),
					string(Buffer.concat([mpint(signature.subarray(0, 32)), mpint(signature.subarray(32))]))]);
			} };
	}
	const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: options.bits ?? 2048 });
	const { n, e } = publicKey.export({ format: 'jwk' });
	return { algorithm: 'rsa-sha2-512',
		blob: Buffer.concat([string('ssh-rsa'), mpint(Buffer.from(e, 'base64url')), mpint(Buffer.from(n, 'base64url'))]),
		sign: (hash) => Buffer.concat([string('rsa-sha2-512'), string(sign('sha512', hash, privateKey))]) };
}

export const lists = (key) => ['curve25519-sha256', key.algorithm, 'aes256-gcm@openssh.com', 'aes256-gcm@openssh.com', 'hmac-sha2-256',
	'hmac-sha2-256', 'none', 'none', '', ''];

export class SshServer {
	// script: { version, kexinit, reply, spoken, tamper, onConnect, onKeys, onShell, onTyped, on: { [type]: (server, payload) => true when it is done with it } }
	constructor(socket, key, script = {}) {
		Object.assign(this, { socket, key, script, heard: [], buffer: Buffer.alloc(0), sent: 0, received: 0, over: false });
		this.shellId = 0;
		socket.on('error', () => {});
		socket.on('close', () => (this.over = true));
		socket.on('data', (data) => this.take(data));
		if (script.onConnect?.(this)) return;
		this.version = script.version ?? 'SSH-2.0-Target_1.0';
		this.raw(`${this.version}\r\n`);
	}

	// Everything the other side ever said, decrypted.
	get words() { return Buffer.concat(this.heard); }

	raw(bytes) { if (!this.socket.destroyed) this.socket.write(bytes); }
	close() { this.socket.end(); }
	// The target's socket may be full for as long as it likes: for floods.
	get full() { return this.socket.writableLength > 4 << 20 || this.socket.destroyed; }

	packet(payload) {
		const block = this.out ? 16 : 8;
		const fixed = this.out ? 1 : 5; // the length is not encrypted with it
		let pad = block - ((fixed + payload.length) % block);
		if (pad < 4) pad += block;
		const body = Buffer.concat([byte(pad), payload, randomBytes(pad)]);
		const head = u32(body.length);
		if (!this.out) return Buffer.concat([head, body]);
		const cipher = createCipheriv('aes-256-gcm', this.out.key, this.nonce(this.out));
		cipher.setAAD(head);
		return Buffer.concat([head, cipher.update(body), cipher.final(), this.script.tamper?.(this) ? randomBytes(16) : cipher.getAuthTag()]);
	}

	// spoken: what is said instead, a list of messages
	send(payload) { for (const said of this.script.spoken?.(this, payload) ?? [payload]) this.raw(this.packet(said)); }

	nonce(way) {
		const nonce = Buffer.from(way.iv);
		nonce.writeBigUInt64BE((way.iv.readBigUInt64BE(4) + way.count++) & 0xffffffffffffffffn, 4);
		return nonce;
	}

	take(data) {
		if (!this.version) { // it does not speak SSH
			this.heard.push(data);
			return;
		}
		this.buffer = this.buffer.length ? Buffer.concat([this.buffer, data]) : data;
		if (!this.peer) {
			const end = this.buffer.indexOf('\n');
			if (end < 0) return;
			this.peer = this.buffer.subarray(0, end).toString('latin1').replace(/\r$/, '');
			this.heard.push(Buffer.from(this.peer));
			this.buffer = this.buffer.subarray(end + 1);
			this.sendKexinit();
		}
		while (this.buffer.length >= 4) {
			const length = this.buffer.readUInt32BE(0);
			const whole = 4 + length + (this.in ? 16 : 0);
			if (length > 1 << 20 || this.buffer.length < whole) return;
			const payload = this.open(this.buffer.subarray(0, whole));
			this.buffer = this.buffer.subarray(whole);
			if (!payload) { this.socket.destroy(); return; }
			this.heard.push(Buffer.from(payload));
			this.handle(payload);
		}
	}

	open(packet) {
		const head = packet.subarray(0, 4);
		let body = packet.subarray(4);
		if (this.in) {
			const decipher = createDecipheriv('aes-256-gcm', this.in.key, this.nonce(this.in));
			decipher.setAAD(head);
			decipher.setAuthTag(body.subarray(-16));
			try {
				body = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
			} catch {
				return null;
			}
		}
		return body.subarray(1, body.length - body[0]);
	}

	sendKexinit() {
		this.offered = true;
		this.ours = this.script.kexinit?.(this) ??
			message(MSG.KEXINIT, randomBytes(16), ...lists(this.key).map(string), byte(0), u32(0));
		if (this.ours.length > 0) this.send(this.ours);
	}

	handle(payload) {
		const type = payload[0];
		if (this.script.on?.[type]?.(this, payload)) return;
		switch (type) {
		case MSG.KEXINIT:
			this.theirs = Buffer.from(payload);
			if (!this.offered) this.sendKexinit(); // they want new keys
			this.offered = false;
			break;
		case MSG.ECDH_INIT: this.exchange(new Reader(payload).string()); break;
		case MSG.NEWKEYS: this.in = this.next.in; this.exchanges = (this.exchanges ?? 0) + 1; this.script.onKeys?.(this); break;
		case MSG.SERVICE_REQUEST: this.send(message(MSG.SERVICE_ACCEPT, string(new Reader(payload).string()))); break;
		case MSG.AUTH_REQUEST: this.authenticate(payload); break;
		case MSG.GLOBAL_REQUEST: this.send(message(MSG.REQUEST_FAILURE)); break;
		case MSG.CHANNEL_OPEN: this.openChannel(payload); break;
		case MSG.CHANNEL_REQUEST: this.request(payload); break;
		case MSG.DATA: this.script.onTyped ? this.script.onTyped(this, new Reader(payload, 5).string()) : this.data(new Reader(payload, 5).string()); break;
		}
	}

	exchange(theirPoint) {
		const { publicKey, privateKey } = generateKeyPairSync('x25519');
		const ourPoint = this.script.point ?? raw(publicKey);
		const peer = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: theirPoint.toString('base64url') }, format: 'jwk' });
		const secret = mpint(diffieHellman({ privateKey, publicKey: peer }));
		const parts = [string(this.peer), string(this.version), string(this.theirs), string(this.ours), string(this.key.blob), string(theirPoint),
			string(ourPoint), secret];
		const hash = createHash('sha256').update(Buffer.concat(parts)).digest();
		this.id ??= hash;
		const derive = (letter, length) => {
			const first = createHash('sha256').update(secret).update(hash).update(letter).update(this.id).digest();
			return first.subarray(0, length);
		};
		this.next = { in: { key: derive('C', 32), iv: derive('A', 12), count: 0n }, out: { key: derive('D', 32), iv: derive('B', 12), count: 0n } };
		this.send(this.script.reply?.(this, hash, ourPoint) ??
			message(MSG.ECDH_REPLY, string(this.key.blob), string(ourPoint), string(this.key.sign(hash))));
		if (this.script.noNewKeys) return;
		this.send(message(MSG.NEWKEYS));
		this.out = this.next.out;
	}

	authenticate(payload) {
		const reader = new Reader(payload);
		reader.string();
		reader.string();
		const method = reader.string().toString();
		this.send(method === 'password' ? message(MSG.AUTH_SUCCESS) : message(MSG.AUTH_FAILURE, string(this.script.methods ?? 'password'), byte(0)));
	}

	openChannel(payload) {
		const reader = new Reader(payload);
		reader.string();
		this.channel = reader.u32();
		this.window = reader.u32();
		this.send(message(MSG.CHANNEL_CONFIRM, u32(this.channel), u32(this.shellId), u32(1 << 21), u32(32768)));
	}

	request(payload) {
		const reader = new Reader(payload, 5);
		const kind = reader.string().toString();
		if (reader.byte()) this.send(message(MSG.CHANNEL_SUCCESS, u32(this.channel)));
		if (kind !== 'shell') return;
		this.data('target$ ');
		this.live = true;
		this.script.onShell?.(this);
	}

	data(bytes) { this.send(message(MSG.DATA, u32(this.channel), string(bytes))); }
	leave(code = 0) {
		this.send(message(MSG.CHANNEL_REQUEST, u32(this.channel), string('exit-status'), byte(0), u32(code)));
		this.send(message(MSG.EOF, u32(this.channel)));
		this.send(message(MSG.CLOSE, u32(this.channel)));
	}
}
