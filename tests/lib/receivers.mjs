// SPDX-License-Identifier: Apache-2.0
// Who receives evidence outside: rsyslog with TLS, a syslog receiver that counts octets strictly, and
// a web server that checks what was posted. Each with certificates of an authority made for the test.
import { spawn, spawnSync } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';

import { freePort } from './gateway.mjs';
import { endWith, until } from './story.mjs';

function openssl(args, input) {
	const done = spawnSync('openssl', args, { encoding: 'utf8', input });
	if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`);
}

// An authority in a directory of its own, and certificates from it.
export class Authority {
	constructor() {
		this.directory = mkdtempSync(path.join(tmpdir(), 'authority-'));
		this.pem = this.at('ca.pem');
		openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
			'-subj', '/CN=Test authority', '-keyout', this.at('ca.key'), '-out', this.pem]);
	}
	at(name) { return path.join(this.directory, name); }
	// { key, cert }: files, for these names
	issue(name, alternatives = 'DNS:localhost,IP:127.0.0.1') {
		const files = { key: this.at(`${name}.key`), cert: this.at(`${name}.pem`) };
		openssl(['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
			'-keyout', files.key, '-out', this.at(`${name}.csr`)]);
		writeFileSync(this.at(`${name}.ext`), `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\n`);
		openssl(['x509', '-req', '-in', this.at(`${name}.csr`), '-CA', this.pem, '-CAkey', this.at('ca.key'), '-CAcreateserial',
			'-days', '2', '-extfile', this.at(`${name}.ext`), '-out', files.cert]);
		return files;
	}
	remove() { rmSync(this.directory, { recursive: true, force: true }); }
}

// rsyslog as it is packaged, with TLS by GnuTLS; what it got is the file `received`.
export class Rsyslog {
	static available() {
		return ['/usr/sbin/rsyslogd', '/usr/bin/rsyslogd'].some(existsSync) &&
			['x86_64-linux-gnu', 'aarch64-linux-gnu'].some((arch) => existsSync(`/usr/lib/${arch}/rsyslog/lmnsd_gtls.so`));
	}
	static async start(authority) {
		const rsyslog = new Rsyslog();
		rsyslog.port = await freePort();
		rsyslog.directory = mkdtempSync(path.join(tmpdir(), 'rsyslog-'));
		rsyslog.received = path.join(rsyslog.directory, 'received');
		const { key, cert } = authority.issue('rsyslog');
		writeFileSync(path.join(rsyslog.directory, 'conf'), `global(workDirectory="${rsyslog.directory}" maxMessageSize="64k"
 DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="${authority.pem}"
 DefaultNetstreamDriverCertFile="${cert}" DefaultNetstreamDriverKeyFile="${key}")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
input(type="imtcp" port="${rsyslog.port}" address="127.0.0.1")
template(name="line" type="string" string="%app-name% %msgid% %pri% %msg%\\n")
action(type="omfile" file="${rsyslog.received}" template="line" asyncWriting="off" flushOnTXEnd="on")
`);
		await rsyslog.run();
		return rsyslog;
	}
	async run() {
		this.process = endWith(spawn('rsyslogd', ['-n', '-f', path.join(this.directory, 'conf'), '-i', path.join(this.directory, 'pid')],
			{ stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/bin' } }));
		this.errors = '';
		this.process.stderr.on('data', (text) => (this.errors += text));
		await until(() => new Promise((done) => {
			if (this.process.exitCode !== null) throw new Error(`rsyslogd: ${this.errors}`);
			const probe = net.connect(this.port, '127.0.0.1', () => { probe.destroy(); done(true); });
			probe.on('error', () => done(false));
		}), 'rsyslog to listen');
	}
	lines() { return existsSync(this.received) ? readFileSync(this.received, 'utf8').split('\n').filter(Boolean) : []; }
	async kill() {
		if (this.process.exitCode !== null) return;
		this.process.kill('SIGKILL');
		await new Promise((done) => this.process.on('exit', done));
	}
	async stop() { await this.kill(); rmSync(this.directory, { recursive: true, force: true }); }
}

// Counted octets and nothing else, TCP or TLS (files: { key, cert }). messages: what was in the frames.
export class SyslogReceiver {
	static async start({ files, port } = {}) {
		const receiver = Object.assign(new SyslogReceiver(), { messages: [], faults: [], sockets: new Set(), files });
		receiver.port = port ?? await freePort();
		await receiver.listen();
		return receiver;
	}
	async listen() {
		const take = (socket) => this.take(socket);
		this.server = this.files ? tls.createServer({ key: readFileSync(this.files.key), cert: readFileSync(this.files.cert) }, take) :
			net.createServer(take);
		this.server.on('tlsClientError', (error) => this.faults.push(error.message));
		await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
	}
	take(socket) {
		let pending = Buffer.alloc(0);
		this.sockets.add(socket);
		socket.on('close', () => this.sockets.delete(socket));
		socket.on('error', () => {});
		socket.on('data', (data) => {
			pending = Buffer.concat([pending, data]);
			for (;;) {
				const space = pending.indexOf(0x20);
				if (space < 0) break;
				const digits = pending.subarray(0, space).toString('latin1');
				if (!/^[1-9][0-9]*$/.test(digits)) {
					this.faults.push(`no length: ${digits.slice(0, 40)}`);
					socket.destroy();
					return;
				}
				const length = Number(digits);
				if (pending.length < space + 1 + length) break;
				this.messages.push(pending.subarray(space + 1, space + 1 + length).toString('utf8'));
				pending = pending.subarray(space + 1 + length);
			}
		});
	}
	async close() {
		for (const socket of this.sockets) socket.destroy();
		await new Promise((done) => this.server.close(done));
	}
}

// Takes what is signed with the key, answers with this.status; bodies: what was taken, text: all of it.
export class WebhookReceiver {
	static async start(files, key, { port } = {}) {
		const receiver = Object.assign(new WebhookReceiver(), { key, files, bodies: [], refused: [], status: 204, silent: false });
		receiver.port = port ?? await freePort();
		await receiver.listen();
		return receiver;
	}
	async listen() {
		this.server = https.createServer({ key: readFileSync(this.files.key), cert: readFileSync(this.files.cert) },
			(request, answer) => this.take(request, answer));
		await new Promise((done) => this.server.listen(this.port, '127.0.0.1', done));
	}
	take(request, answer) {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => {
			const body = Buffer.concat(parts);
			const time = request.headers['sallyport-time'] ?? '';
			const want = Buffer.from(`v1=${createHmac('sha256', this.key).update(`${time}.`).update(body).digest('hex')}`);
			const got = Buffer.from(request.headers['sallyport-signature'] ?? '');
			const genuine = got.length === want.length && timingSafeEqual(got, want) && Math.abs(Date.now() - Number(time)) < 300000;
			if (!genuine) this.refused.push(body.toString().slice(0, 200));
			if (this.silent) return;
			if (genuine && this.status < 300) this.bodies.push({ url: request.url, method: request.method, headers: request.headers, text: body.toString() });
			answer.writeHead(genuine ? this.status : 403).end();
		});
	}
	get text() { return this.bodies.map(({ text }) => text).join(''); }
	async close() {
		this.server.closeAllConnections();
		await new Promise((done) => this.server.close(done));
	}
}
