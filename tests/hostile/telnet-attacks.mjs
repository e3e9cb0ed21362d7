// SPDX-License-Identifier: Apache-2.0
// What a hostile Telnet server may do, one row each; the fields are those of ssh-attacks.mjs. Nothing here
// proves itself: whoever asks for the password as a login does gets it, once.
import { randomBytes } from 'node:crypto';

import { DO, DONT, GA, IAC, OPTION, SB, SE, WILL, WONT, sub, verb } from './telnet-server.mjs';

const ESCAPES = '\x1b[31m\x1b]0;owned\x07\x1b[6n\x1bP$qm\x1b\\\u202eevil';
const C1 = Buffer.from([0x9b, 0x36, 0x6e, 0x9d, 0x30, 0x3b, 0x78, 0x9c, 0x90, 0x9c]);
const options = Object.values(OPTION);
const every = (...verbs) => Buffer.concat(Array.from({ length: 256 }, (_, option) => verbs.map((which) => verb(which, option))).flat());

function flood(server, make, enough = Infinity) {
	let sent = 0;
	const more = () => {
		for (let i = 0; i < 100 && !server.full && sent < enough; i++) server.send(make(sent++));
		server.flooded = sent >= enough;
		if (!server.over && sent < enough) setTimeout(more, 2);
	};
	more();
}

// Before the login, which then goes on as it should.
const first = (act) => ({ onConnect: (server) => { act(server); server.acted = true; } });
const instead = (act) => ({ onConnect: (server) => { act(server); return true; } });
const whenLive = (act) => ({ onLive: (server) => { act(server); server.acted = true; } }); // as the person sees it
const acted = (server) => server.acted;
const flooded = (server) => server.flooded;
const slowly = (server, bytes, ms = 1) => {
	[...bytes].forEach((value, i) => setTimeout(() => server.send([value]), i * ms));
	return bytes.length * ms;
};

const SILENT = /did not (answer|finish the login) within \d+ seconds|did not answer in time/;
const CLOSED = /closed the connection|cannot be reached/;
const REFUSED = /refused the login|did not finish|closed the connection|in time/;
const BROKEN = /broke the protocol/;

export const telnetAttacks = [
	// before the login
	{ name: 'says nothing at all', script: instead(() => {}), ends: SILENT, or: 'lives', answers: false },
	{ name: 'closes at once', script: instead((server) => server.close()), ends: CLOSED },
	{ name: 'resets at once', script: instead((server) => server.socket.resetAndDestroy()), ends: CLOSED },
	{ name: 'megabytes before the login', script: instead((server) => flood(server, () => 'Welcome! '.repeat(900))), ends: /./, or: 'lives', answers: false },
	{ name: 'random bytes', script: instead((server) => flood(server, () => randomBytes(8192), 500)), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'a million login prompts', script: instead((server) => flood(server, () => 'login: '.repeat(1000), 1000)), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'a million password prompts', script: instead((server) => flood(server, () => 'Password: '.repeat(1000), 1000)), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'prompts of escapes', script: { onConnect: (server) => { server.send(`${ESCAPES}login: `); return true; } }, learns: 1 },
	{ name: 'prompts a byte at a time', script: { onConnect: (server) => { slowly(server, Buffer.from('Target\r\nlogin: '), 15); return true; } }, learns: 1 },
	{ name: 'a prompt of a megabyte', script: instead((server) => server.send('x'.repeat(1 << 20), 'login: ')), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'NULs instead of a prompt', script: instead((server) => flood(server, () => Buffer.alloc(8192), 1000)), ends: /./, or: 'lives', answers: false },

	// options
	{ name: 'every option offered', script: first((server) => server.send(every(WILL))), learns: 1 },
	{ name: 'every option demanded', script: first((server) => server.send(every(DO))), learns: 1 },
	{ name: 'every option, both ways, a thousand times', script: instead((server) => flood(server, () => every(WILL, DO, WONT, DONT), 1000)), ends: /./, or: 'lives', answers: false },
	{ name: 'an option on and off without end', script: instead((server) => flood(server, () => Buffer.concat(Array(500).fill(Buffer.concat([verb(DO, OPTION.TERMINAL), verb(DONT, OPTION.TERMINAL)]))), 2000)), ends: /./, or: 'lives', answers: false },
	{ name: 'echo on and off without end', script: whenLive((server) => flood(server, () => Buffer.concat(Array(200).fill(Buffer.concat([verb(WILL, OPTION.ECHO), verb(WONT, OPTION.ECHO)]))), 500)), learns: 1, lives: flooded, or: 'ends', answers: false },
	{ name: 'binary on and off in between', script: first((server) => { for (let i = 0; i < 50; i++) server.send(verb(WILL, OPTION.BINARY), verb(DO, OPTION.BINARY), verb(WONT, OPTION.BINARY), verb(DONT, OPTION.BINARY)); }), learns: 1 },
	{ name: 'which terminal, a hundred thousand times', script: first((server) => { server.send(verb(DO, OPTION.TERMINAL)); flood(server, () => Buffer.concat(Array(100).fill(sub(OPTION.TERMINAL, [1]))), 1000); }), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'the window size of the client, told to it', script: first((server) => server.send(verb(WILL, OPTION.WINDOW), sub(OPTION.WINDOW, [255, 255, 255, 255, 255, 255, 255, 255]))), learns: 1 },
	{ name: 'its environment', script: first((server) => server.send(verb(DO, OPTION.NEW_ENVIRON), sub(OPTION.NEW_ENVIRON, [1, 0, ...Buffer.from('USER'), 3, ...Buffer.from('PATH')]), verb(DO, OPTION.ENVIRON), sub(OPTION.ENVIRON, [1]))), learns: 1, secret: /USER|PATH|\/bin/ },
	{ name: 'line mode', script: first((server) => server.send(verb(DO, OPTION.LINEMODE), sub(OPTION.LINEMODE, [1, 3]), sub(OPTION.LINEMODE, [3, ...Array(60).fill([1, 2, 3]).flat()]))), learns: 1 },
	{ name: 'its display, its speed', script: first((server) => server.send(verb(DO, OPTION.DISPLAY), sub(OPTION.DISPLAY, [1]), verb(DO, OPTION.SPEED), sub(OPTION.SPEED, [1]))), learns: 1 },
	{ name: 'another login by option', script: first((server) => server.send(verb(DO, OPTION.AUTH), sub(OPTION.AUTH, [1, 1, 2, 2, 0]), verb(DO, OPTION.ENCRYPT), sub(OPTION.ENCRYPT, [1, 1]))), learns: 1 },
	{ name: 'TLS by option', script: first((server) => server.send(verb(DO, OPTION.START_TLS), sub(OPTION.START_TLS, [1]), '\x16\x03\x01\x00\x05hello')), learns: 1 },
	{ name: 'a serial port', script: first((server) => server.send(verb(WILL, OPTION.COM_PORT), sub(OPTION.COM_PORT, [101, 0, 0, 37, 128]), verb(DO, OPTION.COM_PORT))), learns: 1 },
	{ name: 'its state', script: first((server) => server.send(verb(DO, OPTION.STATUS), sub(OPTION.STATUS, [1]), verb(DO, OPTION.LOGOUT))), learns: 1 },
	{ name: 'a suboption without end', script: instead((server) => { server.send([IAC, SB, OPTION.TERMINAL]); flood(server, () => 'x'.repeat(8192), 1000); }), ends: /./, or: 'lives', answers: false },
	{ name: 'a suboption that the login is within', script: instead((server) => { server.send([IAC, SB, OPTION.TERMINAL], 'login: '); }), ends: /./, or: 'lives', answers: false },
	{ name: 'suboptions within suboptions', script: first((server) => server.send(Buffer.from([IAC, SB, 24, IAC, SB, 24, 1, IAC, SE, IAC, SE, IAC, SE]))), learns: 1 },
	{ name: 'a suboption of 0xff', script: first((server) => server.send(verb(DO, OPTION.TERMINAL), [IAC, SB, 24], Buffer.alloc(2000, IAC), [IAC, SE])), learns: 1 },
	{ name: 'suboptions of every option', script: first((server) => { for (let option = 0; option < 256; option++) server.send(sub(option, option === IAC ? [] : [1], randomBytes(8).map((b) => b & 0x7f))); }), learns: 1 },
	{ name: 'empty suboptions', script: first((server) => { for (const option of options) server.send([IAC, SB, option, IAC, SE]); server.send([IAC, SB, IAC, SE]); }), learns: 1 },

	// commands
	{ name: 'every command', script: first((server) => { for (let command = 241; command < 250; command++) server.send([IAC, command]); server.send([IAC, 236], [IAC, 237], [IAC, 238], [IAC, 239]); }), learns: 1 },
	{ name: 'are you there, without end', script: whenLive((server) => flood(server, () => Buffer.concat(Array(2000).fill(Buffer.from([IAC, 246]))), 500)), learns: 1, lives: flooded },
	{ name: 'unknown commands', script: first((server) => { for (let command = 0; command < 240; command++) server.send([IAC, command]); }), ends: /./, or: 'lives', answers: false, learns: 1 },
	{ name: 'a command cut in two', script: instead((server) => slowly(server, Buffer.concat([verb(DO, OPTION.TERMINAL), sub(OPTION.TERMINAL, [1]), verb(WILL, OPTION.ECHO), Buffer.from([IAC, IAC, IAC, GA]), Buffer.from('\r\nlogin: ')]), 3)), learns: 1 },
	{ name: 'ends in the middle of a command', script: whenLive((server) => { server.send('bye', [IAC]); server.close(); }), learns: 1, ends: /ended|closed/ },
	{ name: 'ends in the middle of a suboption', script: whenLive((server) => { server.send([IAC, SB, OPTION.TERMINAL, 1]); server.close(); }), learns: 1, ends: /ended|closed/ },
	{ name: '0xff without end', script: whenLive((server) => flood(server, () => Buffer.alloc(8192, IAC), 400)), learns: 1, lives: flooded },
	{ name: 'carriage returns and NULs', script: whenLive((server) => flood(server, () => '\r\0\r\n\r\r\0\0\n'.repeat(800), 200)), learns: 1, lives: flooded },

	// the login
	{ name: 'wants the name for ever', script: { onLine: (server) => { server.send('\r\nlogin: '); return true; } }, ends: REFUSED },
	{ name: 'wants the password for ever', script: { onLine: (server, line) => { if (server.step === 'name') return false; server.send('\r\nPassword: '); return true; } }, learns: 1, ends: REFUSED },
	{ name: 'wants the password before the name', script: { onConnect: (server) => { server.step = 'password'; server.send('Password: '); return true; } }, learns: 1 },
	{ name: 'refuses', script: { onLine: (server) => { if (server.step === 'name') return false; server.send('\r\nLogin incorrect\r\nlogin: '); return true; } }, learns: 1, ends: REFUSED },
	{ name: 'refuses without end', script: { onLine: (server) => { if (server.step === 'name') return false; flood(server, () => '\r\nLogin incorrect\r\nlogin: '.repeat(100), 500); return true; } }, learns: 1, ends: REFUSED },
	{ name: 'closes at the password', script: { onLine: (server) => { if (server.step === 'name') return false; server.close(); return true; } }, learns: 1, ends: CLOSED },
	{ name: 'a password prompt in the greeting', script: first((server) => server.send('Never tell your Password: to anybody\r\n')), learns: 1 },
	{ name: 'tells the password back', script: { onLine: (server, line) => { if (server.step === 'name') return false; server.live = true; server.send(`\r\nYou said ${line}\r\n${line}${line}\r\ntarget$ `); return true; } }, learns: 1, hidden: true },
	{ name: 'tells the password back a byte at a time', script: { onLine: (server, line) => { if (server.step === 'name') return false; server.live = true; slowly(server, Buffer.from(`\r\nYou said ${line}, ${line}\r\ntarget$ `), 4); return true; } }, learns: 1, hidden: true },
	{ name: 'asks again when it is live', script: { onTyped: (server) => { for (let i = 0; i < 50; i++) server.send('\r\nlogin: \r\nPassword: '); } }, learns: 1 },

	// the session
	{ name: 'sixteen megabytes of escapes', script: whenLive((server) => flood(server, () => ESCAPES.repeat(1000), 600)), learns: 1, lives: flooded },
	{ name: 'control characters of eight bits', script: whenLive((server) => flood(server, () => Buffer.concat(Array(200).fill(C1)), 500)), learns: 1, lives: flooded },
	{ name: 'a line without end', script: whenLive((server) => flood(server, () => '-'.repeat(30000), 300)), learns: 1, lives: flooded },
	{ name: 'reads nothing any more', script: whenLive((server) => server.socket.pause()), learns: 1, lives: acted, answers: false },
	{ name: 'closes its half', script: whenLive((server) => server.socket.end('half')), learns: 1, ends: /ended|closed/ },
	{ name: 'resets', script: whenLive((server) => server.socket.resetAndDestroy()), learns: 1, ends: /ended|closed/ },
	{ name: 'offers and demands while it is live', script: whenLive((server) => { for (let i = 0; i < 20; i++) server.send(every(WILL, DO)); }), learns: 1, lives: acted, or: 'ends', answers: false },
];
