// SPDX-License-Identifier: Apache-2.0
// What a hostile SSH server may do, one row each. ends: what the person is told; without it the session is
// to live on: until `lives` says that the attack had its way, and then the shell still echoes. learns: how
// often the target may see the credential, which is only where it proved the pinned key.
import { randomBytes } from 'node:crypto';

import { MSG, Reader, byte, hostKey, lists, message, string, u32 } from './ssh-server.mjs';

const ESCAPES = '\x1b[31m\x1b]0;owned\x07\x1b[6n\x9b5n\u202eevil\x00';
const others = { ed25519: hostKey('ed25519'), ecdsa: hostKey('ecdsa'), rsa: hostKey('rsa'), short: hostKey('rsa', { bits: 1024 }) };
const kexinit = (names, { follows = 0 } = {}) => message(MSG.KEXINIT, randomBytes(16), ...names.map(string), byte(follows), u32(0));
const change = (server, changes) => lists(server.key).map((names, at) => changes[at] ?? names);
const offer = (at, value) => ({ kexinit: (server) => kexinit(change(server, { [at]: value })) });
const ignores = () => true;
const silent = { onConnect: ignores };

// Sends as fast as the other side takes it, until it has gone or `enough` were sent.
function flood(server, make, enough = Infinity) {
	let sent = 0;
	const more = () => {
		for (let i = 0; i < 100 && !server.full && sent < enough; i++) server.send(make(sent++));
		server.flooded = sent >= enough;
		if (!server.over && sent < enough) setTimeout(more, 2);
	};
	more();
}

const once = (server, act) => { if (!server.acted) { server.acted = true; act(); } };
const whenLive = (act) => ({ onLive: (server) => { act(server); server.acted = true; } }); // as the person sees it
const acted = (server) => server.acted;
const request = (server, name, reply, ...parts) => message(MSG.CHANNEL_REQUEST, u32(server.channel), string(name), byte(reply), ...parts);
const disconnect = (words) => message(MSG.DISCONNECT, u32(11), string(words), string(''));
const on = (type, act) => ({ on: { [type]: (server, payload) => { act(server, payload); return true; } } });
const interactive = (count, ...prompts) => message(MSG.AUTH_INFO, string('Name'), string(ESCAPES), string(''), u32(count), ...prompts);
const prompt = (words, echo = 0) => Buffer.concat([string(words), byte(echo)]);
// "none" is refused with these methods; what comes after it is answered by act.
const asks = (methods, act) => on(MSG.AUTH_REQUEST, (server, payload) => {
	const reader = new Reader(payload);
	reader.string();
	reader.string();
	if (reader.string().toString() === 'none') server.send(message(MSG.AUTH_FAILURE, string(methods), byte(0)));
	else act(server, payload);
});

const CLOSED = /cannot be reached|closed the connection|ended the connection|failed|broke the protocol/;
const FAILED = /failed|ended the connection|closed the connection|did not answer|broke the protocol/;
const SILENT = /did not (answer|finish the login) within \d+ seconds|did not answer in time/;
const CHANGED = /host key of .* has changed/i;
const REFUSED = /refused the login|wants a second proof|has no answer|failed|ended the connection|did not finish/;
const UNFINISHED = /did not finish|failed/;

export const sshAttacks = [
	// before the keys
	{ name: 'says nothing at all', script: silent, ends: SILENT },
	{ name: 'closes at once', script: { onConnect: (server) => { server.close(); return true; } }, ends: CLOSED },
	{ name: 'resets at once', script: { onConnect: (server) => { server.socket.resetAndDestroy(); return true; } }, ends: CLOSED },
	{ name: 'a version without end', script: { onConnect: (server) => { server.raw(`SSH-2.0-${'x'.repeat(4 << 20)}`); return true; } }, ends: FAILED },
	{ name: 'megabytes of lines before its version', script: { onConnect: (server) => { server.raw('Welcome!\r\n'.repeat(400000)); return true; } }, ends: FAILED },
	{ name: 'a version of control characters', script: { version: `SSH-2.0-${ESCAPES.replaceAll('\x00', '')}` }, learns: 1 },
	{ name: 'a version with a NUL', script: { onConnect: (server) => { server.raw('SSH-2.0-a\0b\r\n'); return true; } }, ends: FAILED },
	{ name: 'the protocol of 1995', script: { version: 'SSH-1.5-Old' }, ends: FAILED },
	{ name: 'another protocol', script: { onConnect: (server) => { server.raw('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n'); return true; } }, ends: FAILED },
	{ name: 'random bytes instead of a version', script: { onConnect: (server) => { server.raw(randomBytes(65536)); return true; } }, ends: FAILED },
	{ name: 'its version a byte a time', script: { onConnect: (server) => {
		const words = [...'SSH-2.0-Slow\r\n'];
		server.socket.pause();
		words.forEach((c, i) => setTimeout(() => server.raw(c), i * 20));
		setTimeout(() => { server.version = 'SSH-2.0-Slow'; server.socket.resume(); }, words.length * 20);
		return true;
	} }, learns: 1 },

	// the exchange of algorithms
	{ name: 'a name list of four gigabytes', script: { kexinit: () => message(MSG.KEXINIT, randomBytes(16), u32(0xffffffff), Buffer.alloc(64)) }, ends: FAILED },
	{ name: 'no algorithm at all', script: { kexinit: () => kexinit(Array(10).fill('')) }, ends: FAILED },
	{ name: 'an exchange cut short', script: { kexinit: () => message(MSG.KEXINIT, randomBytes(7)) }, ends: FAILED },
	{ name: 'only a broken key exchange', script: offer(0, 'diffie-hellman-group1-sha1'), ends: FAILED },
	{ name: 'only a broken cipher', script: offer(3, '3des-cbc'), ends: FAILED },
	{ name: 'only a broken digest', script: { kexinit: (server) => kexinit(change(server, { 2: 'aes256-ctr', 3: 'aes256-ctr', 4: 'hmac-md5', 5: 'hmac-md5' })) }, ends: FAILED },
	{ name: 'only SHA-1 signatures', script: offer(1, 'ssh-rsa,ssh-dss'), ends: FAILED },
	{ name: 'only compression', script: { kexinit: (server) => kexinit(change(server, { 6: 'zlib', 7: 'zlib' })) }, ends: FAILED },
	{ name: 'only compression after login', script: { kexinit: (server) => kexinit(change(server, { 6: 'zlib@openssh.com', 7: 'zlib@openssh.com' })) }, ends: FAILED },
	{ name: 'names of sixty kilobytes', script: { kexinit: (server) => kexinit(change(server, 0, `curve25519-sha256,${'x,'.repeat(15000)}y`)) }, ends: FAILED, or: 'lives', learns: 1 },
	{ name: 'a wrong guess that follows', script: { kexinit: (server) => {
		const ours = kexinit(lists(server.key), { follows: 1 });
		server.send(ours);
		server.send(randomBytes(200));
		server.ours = ours;
		return Buffer.alloc(0);
	} }, ends: FAILED },
	{ name: 'the exchange of algorithms twice', script: { kexinit: (server) => { server.send(kexinit(lists(server.key))); return kexinit(lists(server.key)); } }, ends: FAILED },
	{ name: 'a packet of four gigabytes', script: { kexinit: (server) => { server.raw(u32(0xffffffff)); server.raw(randomBytes(1 << 20)); return Buffer.alloc(0); } }, ends: FAILED },
	{ name: 'a packet of nothing', script: { kexinit: (server) => { server.raw(u32(0)); server.raw(Buffer.alloc(64)); return Buffer.alloc(0); } }, ends: FAILED },
	{ name: 'more padding than packet', script: { kexinit: (server) => { server.raw(Buffer.concat([u32(12), byte(255), randomBytes(11)])); return Buffer.alloc(0); } }, ends: FAILED },
	{ name: 'a packet that never ends', script: { kexinit: (server) => { server.raw(u32(35000)); server.raw(randomBytes(100)); return Buffer.alloc(0); } }, ends: SILENT },
	{ name: 'things to ignore, without end', script: { kexinit: (server) => { flood(server, () => message(MSG.IGNORE, string(randomBytes(8192)))); return Buffer.alloc(0); } }, ends: /./ },
	{ name: 'debug messages for the person', script: { kexinit: (server) => { server.send(message(MSG.DEBUG, byte(1), string(ESCAPES.repeat(100)), string(''))); return kexinit(lists(server.key)); } }, learns: 1 },
	{ name: 'goodbye in a megabyte of escapes', script: { kexinit: (server) => { server.send(disconnect(ESCAPES.repeat(1500))); return Buffer.alloc(0); } }, ends: FAILED },
	{ name: 'closes after its version', script: { kexinit: (server) => { server.close(); return Buffer.alloc(0); } }, ends: CLOSED },

	// the keys
	{ name: 'another key of the same kind', key: others.ed25519, ends: CHANGED },
	{ name: 'a key of another algorithm', key: others.ecdsa, ends: CHANGED },
	{ name: 'an RSA key', key: others.rsa, ends: CHANGED },
	{ name: 'a short RSA key', key: others.short, ends: /has changed|failed/ },
	{ name: 'the pinned key, without its signature', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, string(server.key.blob), string(point), string(others.ed25519.sign(hash))) }, ends: FAILED },
	{ name: 'the pinned key, with an old signature', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, string(server.key.blob), string(point), string(server.key.sign(randomBytes(32)))) }, ends: FAILED },
	{ name: 'the pinned key, signed by nothing', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, string(server.key.blob), string(point), string(Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(64))]))) }, ends: FAILED },
	{ name: 'the pinned key within another', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, string(Buffer.concat([others.ed25519.blob, server.key.blob])), string(point), string(others.ed25519.sign(hash))) }, ends: /has changed|failed/ },
	{ name: 'a key of an unknown kind', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, string(Buffer.concat([string('ssh-evil'), string(randomBytes(32))])), string(point), string(server.key.sign(hash))) }, ends: FAILED },
	{ name: 'a key longer than its packet', script: { reply: (server, hash, point) =>
		message(MSG.ECDH_REPLY, u32(0x7fffffff), server.key.blob, string(point)) }, ends: FAILED },
	{ name: 'a point of no order', script: { reply: (server, hash) =>
		message(MSG.ECDH_REPLY, string(server.key.blob), string(Buffer.alloc(32)), string(server.key.sign(hash))) }, ends: FAILED },
	{ name: 'a point of three bytes', script: { reply: (server, hash) =>
		message(MSG.ECDH_REPLY, string(server.key.blob), string('abc'), string(server.key.sign(hash))) }, ends: FAILED },
	{ name: 'new keys before the exchange', script: { kexinit: (server) => { const ours = kexinit(lists(server.key)); server.send(ours); server.send(message(MSG.NEWKEYS)); server.ours = ours; return Buffer.alloc(0); } }, ends: FAILED },
	{ name: 'never the new keys', script: { noNewKeys: true }, ends: SILENT },
	{ name: 'closes after the exchange', script: { noNewKeys: true, onConnect: (server) => { setTimeout(() => server.close(), 300); } }, ends: CLOSED },

	// the login
	{ name: 'success before anybody asked', script: { on: { [MSG.SERVICE_REQUEST]: (server) => { server.send(message(MSG.AUTH_SUCCESS)); return true; } } }, ends: UNFINISHED },
	{ name: 'another service', script: { on: { [MSG.SERVICE_REQUEST]: (server) => { server.send(message(MSG.SERVICE_ACCEPT, string('ssh-connection'))); return true; } } }, ends: /./, or: 'lives', learns: 1 },
	{ name: 'no answer to the login', script: on(MSG.AUTH_REQUEST, () => {}), ends: SILENT },
	{ name: 'no answer to the password', script: asks('password', () => {}), learns: 1, ends: SILENT },
	{ name: 'closes at the password', script: asks('password', (server) => server.close()), learns: 1, ends: CLOSED },
	{ name: 'refuses the password', script: asks('password', (server) => server.send(message(MSG.AUTH_FAILURE, string('password'), byte(0)))), learns: 1, ends: REFUSED },
	{ name: 'wants a second proof, for ever', script: asks('password', (server) => server.send(message(MSG.AUTH_FAILURE, string('password'), byte(1)))), learns: 1, ends: REFUSED },
	{ name: 'wants another password', script: asks('password', (server) => server.send(message(MSG.AUTH_INFO, string('Your password has expired'), string('')))), learns: 1, ends: REFUSED },
	{ name: 'methods of sixty kilobytes', script: asks(`${'x,'.repeat(15000)}y`, () => {}), ends: /accepts|failed/ },
	{ name: 'only keys', script: asks('publickey', () => {}), ends: /accepts keys/ },
	{ name: 'banners without end', script: { on: { [MSG.AUTH_REQUEST]: (server) => { flood(server, () => message(MSG.AUTH_BANNER, string(ESCAPES.repeat(400)), string(''))); return true; } } }, ends: /./ },
	{ name: 'a banner of escapes', script: { on: { [MSG.AUTH_REQUEST]: (server) => { once(server, () => server.send(message(MSG.AUTH_BANNER, string(ESCAPES.repeat(300)), string('')))); } } }, learns: 1 },
	{ name: 'failures without end', script: { on: { [MSG.AUTH_REQUEST]: (server) => { flood(server, () => message(MSG.AUTH_FAILURE, string('password'), byte(0)), 20000); return true; } } }, learns: 1, ends: /./ },
	{ name: 'two thousand million prompts', script: asks('keyboard-interactive', (server) => server.send(interactive(0x7fffffff, prompt('Password: ')))), learns: 1, ends: REFUSED },
	{ name: 'four thousand million prompts', script: asks('keyboard-interactive', (server) => server.send(interactive(0xffffffff, prompt('Password: ')))), learns: 1, ends: REFUSED },
	{ name: 'the password asked for twice', script: asks('keyboard-interactive', (server) => server.send(interactive(2, prompt('Password: '), prompt('Password: ')))), learns: 1, ends: REFUSED },
	{ name: 'the password asked for aloud', script: asks('keyboard-interactive', (server) => server.send(interactive(1, prompt('Password: ', 1)))), ends: REFUSED },
	{ name: 'the number of a card', script: asks('keyboard-interactive', (server) => server.send(interactive(1, prompt(`Card number${ESCAPES}: `)))), ends: REFUSED },
	{ name: 'the same question, for ever', script: { ...asks('keyboard-interactive', (server) => server.send(interactive(1, prompt('Password: ')))),
		on: { ...asks('keyboard-interactive', (server) => server.send(interactive(1, prompt('Password: ')))).on,
			[MSG.AUTH_RESPONSE]: (server) => { server.send(interactive(1, prompt('Password: '))); return true; } } }, learns: 1, ends: REFUSED },
	{ name: 'no questions, for ever', script: { on: { ...asks('keyboard-interactive', (server) => server.send(interactive(0))).on,
		[MSG.AUTH_RESPONSE]: (server) => { server.send(interactive(0)); return true; } } }, ends: REFUSED },
	{ name: 'a question longer than its packet', script: asks('keyboard-interactive', (server) => server.send(interactive(1, u32(0x7fffffff), Buffer.from('Password: ')))), ends: REFUSED },
	{ name: 'lets everybody in', script: on(MSG.AUTH_REQUEST, (server) => server.send(message(MSG.AUTH_SUCCESS))) },

	// the session
	{ name: 'refuses the channel in escapes', script: on(MSG.CHANNEL_OPEN, (server, payload) => { const reader = new Reader(payload); reader.string(); server.send(message(MSG.CHANNEL_OPEN_FAILURE, u32(reader.u32()), u32(1), string(ESCAPES.repeat(100)), string(''))); }), learns: 1, ends: FAILED },
	{ name: 'never opens the channel', script: on(MSG.CHANNEL_OPEN, () => {}), learns: 1, ends: SILENT },
	{ name: 'confirms a channel of somebody else', script: on(MSG.CHANNEL_OPEN, (server) => server.send(message(MSG.CHANNEL_CONFIRM, u32(0x4711), u32(0), u32(1 << 21), u32(32768)))), learns: 1, ends: /./ },
	{ name: 'a channel of packets of nothing', script: { on: { [MSG.CHANNEL_OPEN]: (server, payload) => {
		const reader = new Reader(payload);
		reader.string();
		server.channel = reader.u32();
		server.send(message(MSG.CHANNEL_CONFIRM, u32(server.channel), u32(0), u32(1 << 21), u32(0)));
		return true;
	} } }, learns: 1, ends: /./, or: 'lives', answers: false },
	{ name: 'a channel of four gigabytes', script: { on: { [MSG.CHANNEL_OPEN]: (server, payload) => {
		const reader = new Reader(payload);
		reader.string();
		server.channel = reader.u32();
		server.send(message(MSG.CHANNEL_CONFIRM, u32(server.channel), u32(0), u32(0xffffffff), u32(0xffffffff)));
		return true;
	} } }, learns: 1 },
	{ name: 'refuses the terminal', script: on(MSG.CHANNEL_REQUEST, (server) => server.send(message(MSG.CHANNEL_FAILURE, u32(server.channel)))), learns: 1, ends: FAILED },
	{ name: 'opens channels of its own', script: whenLive((server) => {
		for (const [kind, ...rest] of [['x11', string('evil'), u32(6000)], ['forwarded-tcpip', string('h'), u32(1), string('o'), u32(2)], ['auth-agent@openssh.com'], ['session'],
			['direct-tcpip', string('127.0.0.1'), u32(22), string('o'), u32(2)], ['direct-streamlocal@openssh.com', string('/run/x'), string(''), u32(0)], ['tun@openssh.com', u32(1), u32(0)], [ESCAPES]])
			for (let i = 0; i < 20; i++) server.send(message(MSG.CHANNEL_OPEN, string(kind), u32(100 + i), u32(1 << 20), u32(32768), ...rest));
	}), learns: 1, lives: acted, never: [MSG.CHANNEL_CONFIRM] },
	{ name: 'global requests', script: whenLive((server) => {
		for (const [kind, ...rest] of [['tcpip-forward', string('0.0.0.0'), u32(22)], ['keepalive@openssh.com'], ['streamlocal-forward@openssh.com', string('/run/x')],
			['hostkeys-00@openssh.com', ...Array(200).fill(string(others.ecdsa.blob))], ['no-more-sessions@openssh.com'], [ESCAPES]])
			for (let i = 0; i < 20; i++) server.send(message(MSG.GLOBAL_REQUEST, string(kind), byte(1), ...rest));
	}), learns: 1, lives: acted },
	{ name: 'a window that wraps around', script: whenLive((server) => { for (let i = 0; i < 200; i++) server.send(message(MSG.WINDOW, u32(server.channel), u32(0xffffffff))); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'windows of channels that are not', script: whenLive((server) => { for (let i = 0; i < 2000; i++) server.send(message(MSG.WINDOW, u32(i + 7), u32(1))); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'more than the window has', script: whenLive((server) => flood(server, () => message(MSG.DATA, u32(server.channel), string('A'.repeat(32000))), 600)), learns: 1, lives: (server) => server.flooded, or: 'ends' },
	{ name: 'data longer than its packet', script: whenLive((server) => server.send(message(MSG.DATA, u32(server.channel), u32(0x7fffffff), Buffer.from('x')))), learns: 1, lives: acted, or: 'ends' },
	{ name: 'data of a channel that is not', script: whenLive((server) => { for (let i = 0; i < 200; i++) server.send(message(MSG.DATA, u32(99 + i), string('x'))); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'a second stream without end', script: whenLive((server) => flood(server, (i) => message(MSG.EXTENDED, u32(server.channel), u32(i % 3), string('e'.repeat(1000))), 1500)), learns: 1, lives: (server) => server.flooded, or: 'ends' },
	{ name: 'requests it has no right to', script: whenLive((server) => {
		for (const kind of ['pty-req', 'shell', 'exec', 'subsystem', 'x11-req', 'auth-agent-req@openssh.com', 'env', 'signal', 'xon-xoff', 'break', ESCAPES])
			for (let i = 0; i < 30; i++) server.send(request(server, kind, 1, string('x')));
	}), learns: 1, lives: acted },
	{ name: 'a signal of a megabyte that lies', script: whenLive((server) => {
		server.send(request(server, 'exit-signal', 0, string(`KILL${ESCAPES.repeat(200)}`), byte(1), string(ESCAPES.repeat(500)), string('')));
		server.send(request(server, 'exit-status', 0, u32(0xffffffff)));
		server.leave(7);
	}), learns: 1, ends: /ended/ },
	{ name: 'ends three times over', script: whenLive((server) => { server.leave(1); server.leave(2); server.leave(3); for (let i = 0; i < 50; i++) server.send(message(MSG.DATA, u32(server.channel), string('after the end'))); }), learns: 1, ends: /ended/ },
	{ name: 'closes without a word', script: whenLive((server) => server.close()), learns: 1, ends: /closed|ended/ },
	{ name: 'resets without a word', script: whenLive((server) => server.socket.resetAndDestroy()), learns: 1, ends: /closed|ended/ },
	{ name: 'goodbye in escapes', script: whenLive((server) => server.send(disconnect(ESCAPES.repeat(500)))), learns: 1, ends: /ended|closed|failed/ },
	{ name: 'a packet with a wrong seal', script: { ...whenLive((server) => { server.broken = true; server.data('x'); }), tamper: (server) => server.broken }, learns: 1, ends: /./ },
	{ name: 'messages of no meaning', script: whenLive((server) => { for (const type of [9, 19, 49, 59, 79, 89, 101, 191, 192, 200, 255]) for (let i = 0; i < 10; i++) server.send(message(type, randomBytes(i * 7))); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'empty messages', script: whenLive((server) => { for (const type of Object.values(MSG)) if (type !== MSG.DISCONNECT && type !== MSG.KEXINIT) server.send(byte(type)); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'another login while it is live', script: whenLive((server) => { for (const type of [MSG.AUTH_SUCCESS, MSG.AUTH_FAILURE, MSG.AUTH_INFO, MSG.SERVICE_ACCEPT]) server.send(message(type, string('password'), byte(0))); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'new keys ten times over', script: { ...whenLive((server) => server.sendKexinit()),
		onKeys: (server) => { if (server.live && server.exchanges <= 10) server.sendKexinit(); } }, learns: 1, lives: (server) => server.exchanges > 10 },
	{ name: 'new keys wanted without end', script: whenLive((server) => { for (let i = 0; i < 30; i++) server.send(kexinit(lists(server.key))); }), learns: 1, lives: acted, or: 'ends', answers: false },
	{ name: 'new keys with another host key', script: whenLive((server) => { server.key = others.ed25519; server.sendKexinit(); }), learns: 1, lives: acted, or: 'ends' },
	{ name: 'sixteen megabytes of escapes', script: whenLive((server) => flood(server, () => message(MSG.DATA, u32(server.channel), string(ESCAPES.repeat(500))), 60)), learns: 1, lives: (server) => server.flooded },
	{ name: 'a line without end', script: whenLive((server) => flood(server, () => message(MSG.DATA, u32(server.channel), string('-'.repeat(30000))), 60)), learns: 1, lives: (server) => server.flooded },
	{ name: 'reads nothing any more', script: whenLive((server) => server.socket.pause()), learns: 1, lives: acted, answers: false },
];
