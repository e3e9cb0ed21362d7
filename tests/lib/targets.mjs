// SPDX-License-Identifier: Apache-2.0
// Real targets on loopback: OpenSSH, dropbear and telnetd, each under its own configuration, each
// ended by its pid. Passwords need accounts of this machine, so those targets want root.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';

import { freePort } from './gateway.mjs';
import { endWith, until } from './story.mjs';

export const isRoot = process.getuid() === 0;

function run(program, args, options) {
	const done = spawnSync(program, args, { encoding: 'utf8', ...options });
	if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
	return done.stdout;
}

export function makeKey(file, type = 'ed25519', bits) {
	run('ssh-keygen', ['-q', '-t', type, ...(bits ? ['-b', String(bits)] : []), '-N', '', '-C', 'test', '-f', file]);
	return file;
}

async function listening(port) {
	await until(() => new Promise((done) => {
		const probe = net.connect(port, '127.0.0.1', () => { probe.destroy(); done(true); });
		probe.on('error', () => done(false));
	}), `port ${port} to listen`);
}

// A temporary account with a random password. Only root can make one: { name, password, remove() }.
export function makeAccount() {
	const name = `sp${randomBytes(4).toString('hex')}`;
	const password = `pw-${randomBytes(9).toString('base64url')}`;
	run('useradd', ['-m', '-s', '/bin/bash', name]);
	run('chpasswd', [], { input: `${name}:${password}\n` });
	return { name, password, home: `/home/${name}`, remove: () => spawnSync('userdel', ['-rf', name]) };
}

export class Sshd {
	// lines: of sshd_config, before ours: the first word on a matter counts there
	static async start({ lines = [], port, hostKey = 'ed25519' } = {}) {
		const sshd = new Sshd();
		sshd.directory = mkdtempSync(path.join(tmpdir(), 'sshd-'));
		sshd.port = port ?? await freePort();
		sshd.username = userInfo().username;
		const at = (name) => path.join(sshd.directory, name);
		makeKey(at('host_key'), hostKey);
		writeFileSync(at('authorized_keys'), '');
		writeFileSync(at('sshd_config'), [...lines, `Port ${sshd.port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host_key')}`,
			`PidFile ${at('pid')}`, `AuthorizedKeysFile ${at('authorized_keys')}`, 'StrictModes no', 'UsePAM no',
			'PermitRootLogin yes', 'MaxStartups 200:30:400', 'PrintMotd no', 'PrintLastLog no',
			// A shell as it comes, whatever the account's own start-up files do. bash reads them even for a
			// command when sshd started it, but not when it believes to be a shell within a shell.
			'SetEnv SHLVL=5', 'ForceCommand /bin/bash --norc --noprofile -i', ''].join('\n'));
		if (isRoot) mkdirSync('/run/sshd', { recursive: true });
		chmodSync(sshd.directory, 0o711);
		await sshd.up();
		return sshd;
	}

	async up() {
		this.log = '';
		this.process = endWith(spawn('/usr/sbin/sshd', ['-D', '-e', '-f', path.join(this.directory, 'sshd_config')],
			{ stdio: ['ignore', 'ignore', 'pipe'] }));
		this.process.stderr.on('data', (text) => (this.log += text));
		await listening(this.port);
	}

	async down() {
		const gone = new Promise((done) => this.process.on('exit', done));
		this.process.kill('SIGTERM');
		await gone;
	}

	// A new key that may log in; returns the private file.
	allow(type, bits) {
		const file = makeKey(path.join(this.directory, `key-${type}-${randomBytes(3).toString('hex')}`), type, bits);
		appendFileSync(path.join(this.directory, 'authorized_keys'), readFileSync(`${file}.pub`));
		return file;
	}

	async stop() {
		await this.down();
		rmSync(this.directory, { recursive: true, force: true });
	}
}

export class Dropbear {
	static async start() {
		const target = new Dropbear();
		target.directory = mkdtempSync(path.join(tmpdir(), 'dropbear-'));
		target.port = await freePort();
		const key = path.join(target.directory, 'host_key');
		run('dropbearkey', ['-t', 'ed25519', '-f', key]);
		target.process = endWith(spawn('dropbear', ['-F', '-E', '-r', key, '-p', `127.0.0.1:${target.port}`,
			'-P', path.join(target.directory, 'pid')], { stdio: 'ignore' }));
		await listening(target.port);
		return target;
	}

	async stop() {
		this.process.kill('SIGTERM');
		rmSync(this.directory, { recursive: true, force: true });
	}
}

// inetutils telnetd speaks on its standard input and output; this is its inetd, one child a connection.
export class Telnetd {
	static async start() {
		const target = new Telnetd();
		target.children = new Set();
		target.server = net.createServer({ pauseOnConnect: true }, (socket) => target.serve(socket));
		await new Promise((done) => target.server.listen(0, '127.0.0.1', done));
		target.port = target.server.address().port;
		return target;
	}

	serve(socket) {
		const child = spawn('/usr/sbin/telnetd', ['-h'], { stdio: [socket, socket, 'ignore'] });
		this.children.add(child);
		child.on('exit', () => { this.children.delete(child); socket.destroy(); });
		socket.on('error', () => child.kill());
	}

	async stop() {
		for (const child of this.children) child.kill('SIGKILL');
		await new Promise((done) => this.server.close(done));
	}
}
