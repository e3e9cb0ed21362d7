// SPDX-License-Identifier: Apache-2.0
// The cheapest target there is: asks for name and password as telnetd does, and answers every line "heard LINE".
// "flood N" prints N bytes, "tick" a line every tenth of a second, "exit" ends. Who logged in with which password is remembered.
import net from 'node:net';

export class Shell {
	static async start({ passwords } = {}) {
		const shell = new Shell();
		Object.assign(shell, { passwords, logins: 0, refused: 0, open: new Set() });
		shell.server = net.createServer((socket) => shell.serve(socket));
		await new Promise((done) => shell.server.listen(0, '127.0.0.1', 1024, done));
		shell.port = shell.server.address().port;
		return shell;
	}

	serve(socket) {
		let line = '';
		const words = [];
		this.open.add(socket);
		socket.setNoDelay(true);
		socket.on('error', () => {});
		socket.on('close', () => this.open.delete(socket));
		socket.write('login: ');
		socket.on('data', (data) => {
			for (const byte of data) {
				if (byte !== 13) {
					if (byte >= 32 && byte < 127) line += String.fromCharCode(byte);
					continue;
				}
				if (words.length < 2) this.greet(socket, words, line);
				else this.answer(socket, line);
				line = '';
			}
		});
	}

	greet(socket, words, line) {
		words.push(line);
		if (words.length === 1) {
			socket.write('Password: ');
		} else if (this.passwords && !this.passwords.has(line)) {
			this.refused++;
			socket.end('\r\nLogin incorrect\r\n');
		} else {
			this.logins++;
			socket.write('\r\n$ ');
		}
	}

	answer(socket, line) {
		const flood = line.match(/^flood (\d+)$/);
		if (line === 'exit') socket.end('bye\r\n');
		else if (line === 'tick') this.tick(socket);
		else if (flood) socket.write(Buffer.alloc(Number(flood[1]), 'All work and no play makes Jack a dull boy.\r\n'));
		else socket.write(`heard ${line}\r\n$ `);
	}

	// A numbered line every tenth of a second, until the connection ends.
	tick(socket) {
		let number = 0;
		const timer = setInterval(() => socket.write(`tick ${++number}\r\n`), 100);
		socket.on('close', () => clearInterval(timer));
	}

	async stop() {
		for (const socket of this.open) socket.destroy();
		await new Promise((done) => this.server.close(done));
	}
}
