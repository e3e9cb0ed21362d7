// SPDX-License-Identifier: Apache-2.0
// A Telnet server that can lie anywhere. Honest without a script: it asks for a name and a password, takes
// any, and its shell echoes.
export const IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, GA = 249, SE = 240;
export const OPTION = { BINARY: 0, ECHO: 1, GO_AHEAD: 3, STATUS: 5, MARK: 6, LOGOUT: 18, TERMINAL: 24, WINDOW: 31, SPEED: 32, FLOW: 33, LINEMODE: 34,
	DISPLAY: 35, ENVIRON: 36, AUTH: 37, ENCRYPT: 38, NEW_ENVIRON: 39, START_TLS: 46, CHARSET: 42, COM_PORT: 44 };
export const verb = (which, option) => Buffer.from([IAC, which, option]);
export const sub = (option, ...bytes) => Buffer.concat([Buffer.from([IAC, SB, option]), ...bytes.map((part) => Buffer.from(part)), Buffer.from([IAC, SE])]);

export class TelnetServer {
	// script: { spoken, onConnect, onLine(server, line): true when it is done with it, onShell, onTyped, onBytes }
	constructor(socket, script = {}) {
		Object.assign(this, { socket, script, heard: [], line: '', step: 'name', over: false });
		socket.on('error', () => {});
		socket.on('close', () => (this.over = true));
		socket.on('data', (data) => this.take(data));
		if (script.onConnect?.(this)) return;
		this.send(verb(WILL, OPTION.ECHO), verb(WILL, OPTION.GO_AHEAD), 'Target\r\n\r\nlogin: ');
	}

	get words() { return Buffer.concat(this.heard); }
	get full() { return this.socket.writableLength > 4 << 20 || this.socket.destroyed; }
	// spoken: what is said instead, a list of pieces
	send(...parts) {
		const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
		for (const said of this.script.spoken?.(bytes) ?? [bytes]) if (!this.socket.destroyed) this.socket.write(said);
	}

	close() { this.socket.end(); }

	take(data) {
		this.heard.push(data);
		if (this.script.onBytes?.(this, data)) return;
		// options are not for the lines; this end asked for nothing that has a suboption
		const text = data.toString('latin1').replace(/\xff\xfa[^\xff]*\xff\xf0|\xff[\xfb-\xfe][\s\S]/g, '');
		if (this.live) {
			if (!this.script.onTyped?.(this, text)) this.send(Buffer.from(text, 'latin1'));
			return;
		}
		for (const c of text) {
			if (c === '\r') this.takeLine();
			else if (c !== '\0' && c !== '\n') this.line += c;
		}
	}

	takeLine() {
		const line = this.line;
		this.line = '';
		if (this.script.onLine?.(this, line)) return;
		if (this.step === 'name') {
			this.step = 'password';
			this.send(`${line}\r\nPassword: `);
		} else {
			this.live = true;
			this.send('\r\nWelcome.\r\ntarget$ ');
			this.script.onShell?.(this);
		}
	}
}
