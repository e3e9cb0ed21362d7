// SPDX-License-Identifier: Apache-2.0
// Honest servers whose words are changed on their way: one to three of them, each in one of the ways below.
// `proof` is false when the signature of the host key was.
import { MSG, message, string, u32 } from './ssh-server.mjs';

const EXTREMES = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const WAYS = ['flip', 'many', 'cut', 'grow', 'number', 'type', 'twice', 'often', 'drop', 'noise', 'swap', 'zero'];

function bytesOf(dice, length) {
	return Buffer.from(Array.from({ length }, () => dice.below(256)));
}

// What is sent in the place of these bytes: a list.
export function mutate(dice, bytes, way = dice.one(WAYS)) {
	const changed = Buffer.from(bytes);
	const at = dice.below(Math.max(1, changed.length));
	switch (way) {
	case 'flip': if (changed.length) changed[at] ^= 1 << dice.below(8); return [changed];
	case 'many': for (let i = 0; i < 16 && changed.length; i++) changed[dice.below(changed.length)] = dice.below(256); return [changed];
	case 'cut': return [changed.subarray(0, at)];
	case 'grow': return [Buffer.concat([changed, bytesOf(dice, dice.one([1, 7, 300, 30000]))])];
	case 'number': if (changed.length >= 5) changed.writeUInt32BE(dice.one(EXTREMES), 1 + dice.below(changed.length - 4)); return [changed];
	case 'type': if (changed.length) changed[0] = dice.below(256); return [changed];
	case 'twice': return [changed, changed];
	case 'often': return Array(50).fill(changed);
	case 'drop': return [];
	case 'noise': return [bytesOf(dice, 1 + dice.below(200)), changed];
	case 'swap': return [changed.subarray(at), changed.subarray(0, at)];
	default: changed.fill(0, at); return [changed];
	}
}

// What an honest session is made of, and more of what a server may say in one.
const EXTRAS = [(server) => message(MSG.IGNORE, string('x')), (server) => message(MSG.WINDOW, u32(server.channel ?? 0), u32(1000)),
	(server) => message(MSG.GLOBAL_REQUEST, string('keepalive@openssh.com'), Buffer.from([1])),
	(server) => message(MSG.EXT_INFO, u32(1), string('server-sig-algs'), string('ssh-ed25519')),
	(server) => message(MSG.CHANNEL_REQUEST, u32(server.channel ?? 0), string('exit-signal'), Buffer.from([0]), string('TERM'), Buffer.from([0]), string(''), string('')),
	(server) => message(MSG.DEBUG, Buffer.from([1]), string('debug'), string(''))];

export function sshScript(dice) {
	const chosen = new Set(Array.from({ length: 1 + dice.below(3) }, () => dice.below(14)));
	const script = { proof: true, count: 0 };
	script.spoken = (server, payload) => {
		const mine = script.count++;
		if (!chosen.has(mine)) return [payload];
		const list = mutate(dice, payload);
		if (dice.below(4) === 0) list.unshift(dice.one(EXTRAS)(server));
		// what stands before or behind the proof is not part of it
		if (payload[0] === MSG.ECDH_REPLY && !list.some((bytes) => bytes.subarray(0, payload.length).equals(payload))) script.proof = false;
		return list;
	};
	script.onShell = (server) => { for (let i = 0; i < 4; i++) server.data(`line ${i}\r\n`); };
	if (dice.below(10) === 0) // the version itself
		script.version = mutate(dice, Buffer.from('SSH-2.0-Target_1.0'), dice.one(['flip', 'many', 'cut', 'grow', 'zero']))[0].toString('latin1');
	return script;
}

export function telnetScript(dice) {
	const chosen = new Set(Array.from({ length: 1 + dice.below(3) }, () => dice.below(8)));
	let count = 0;
	return { spoken: (bytes) => (chosen.has(count++) ? mutate(dice, bytes) : [bytes]),
		onShell: (server) => { for (let i = 0; i < 4; i++) server.send(`line ${i}\r\n`); } };
}
