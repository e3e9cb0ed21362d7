// SPDX-License-Identifier: Apache-2.0
// What the rows measure with: the load program, one target, gateways, plain ssh, nginx, medians.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Gateway, build, freePort } from '../lib/gateway.mjs';
import { until } from '../lib/story.mjs';
import { Sshd } from '../lib/targets.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function quantile(values, part) {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// ---- the load program ----

const sources = path.join(here, 'load');
const program = path.join(build, 'bench-load');

function compile() {
	const files = readdirSync(sources).map((name) => path.join(sources, name));
	const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
	if (existsSync(program) && statSync(program).mtimeMs > newest) return;
	const done = spawnSync(process.env.CC ?? 'cc', ['-O2', '-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra',
		'-Wno-unused-parameter', '-o', program, ...files.filter((file) => file.endsWith('.c')), '-lssl', '-lcrypto',
		'-pthread'], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(`the load program does not compile:\n${done.stderr}`);
}

// Runs one mode to its end; what it printed as JSON.
export function load(mode, args, input = '') {
	return new Promise((done, fail) => {
		const child = execFile(program, [mode, ...args.map(String)], { maxBuffer: 1 << 26 }, (error, out, errors) => {
			if (error) fail(new Error(`load ${mode}: ${errors || error.message}`));
			else done(JSON.parse(out));
		});
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}

// { cpu_us, processes, uss_kib, .. } of a process and all below it.
export const tree = (pid, which = 'with') => load('tree', [pid, which]);

// A load program that stays, line by line.
export class Load {
	constructor(mode, args, input) {
		this.process = spawn(program, [mode, ...args.map(String)], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.process.stdin.on('error', () => {});
		this.errors = '';
		this.process.stderr.on('data', (text) => (this.errors += text));
		this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
		this.exited = new Promise((done) => this.process.on('exit', done));
		if (input) this.process.stdin.write(input);
	}

	async line() {
		const { value, done } = await this.lines.next();
		if (done) throw new Error(`the load program ended: ${this.errors}`);
		return JSON.parse(value);
	}

	async end() {
		this.process.stdin.end();
		await this.exited;
	}
}

// Terminals that stay open: open() opens one more batch.
export class Hold extends Load {
	constructor(atATime, command = '') {
		super('hold', [atATime, command]);
		this.before = { opened: 0, failed: 0 };
	}

	async open(terminals) {
		this.process.stdin.write(terminals.map((line) => `${line}\n`).join('') + '\n');
		const said = await this.line();
		const failed = said.failed - this.before.failed;
		this.before = said;
		if (failed > 0) throw new Error(`${failed} of ${terminals.length} were not opened: ${this.errors.slice(-500)}`);
		return said;
	}
}

// ---- the world ----

export class World {
	static async start({ quick }) {
		const world = new World();
		world.quick = quick;
		compile();
		world.directory = mkdtempSync(path.join(tmpdir(), 'sallyport-bench-'));
		world.undo = [() => rmSync(world.directory, { recursive: true, force: true })];
		await world.target();
		return world;
	}

	at(name) {
		return path.join(this.directory, name);
	}

	later(undo) {
		this.undo.push(undo);
		return undo;
	}

	async now(undo) {
		this.undo = this.undo.filter((one) => one !== undo);
		await undo();
	}

	async stop() {
		while (this.undo.length) {
			try { await this.undo.pop()(); } catch (error) { console.error(`cleaning up: ${error.message}`); }
		}
	}

	// A real sshd and a real interactive bash whose prompt we know.
	async target() {
		writeFileSync(this.at('rc'), "PS1='[bench]$ '\nPROMPT_COMMAND=\nunset HISTFILE\nbind 'set enable-bracketed-paste off'\n");
		this.sshd = await Sshd.start({ lines: [`ForceCommand exec bash --noprofile --rcfile ${this.at('rc')} -i`,
			`SetEnv HOME=${this.directory}`, 'LogLevel ERROR'] }); // nobody's own .bashrc is run
		this.later(() => this.sshd.stop());
		this.keyFile = this.sshd.allow('ed25519');
		const host = readFileSync(path.join(this.sshd.directory, 'host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
		writeFileSync(this.at('known_hosts'), `[127.0.0.1]:${this.sshd.port} ${host}\n`);
	}

	log(bytes) {
		const file = this.at(`log-${bytes}`);
		if (!existsSync(file)) {
			const done = spawnSync('sh', ['-c', `exec "$0" log ${bytes} >"$1"`, program, file]);
			if (done.status !== 0) throw new Error('the log was not written');
		}
		return file;
	}

	chatter(bytes, pause) {
		return `exec ${program} chatter ${bytes} ${pause}`;
	}

	// Plain ssh with the key exchange that ours uses too; ciphers as it likes them.
	ssh(count = 1) {
		const line = ['ssh', '-tt', '-F', 'none', '-e', 'none', '-i', this.keyFile, '-p', this.sshd.port,
			'-o', 'IdentitiesOnly=yes', '-o', `UserKnownHostsFile=${this.at('known_hosts')}`,
			'-o', 'GlobalKnownHostsFile=none', '-o', 'StrictHostKeyChecking=yes', '-o', 'LogLevel=ERROR',
			'-o', 'KexAlgorithms=curve25519-sha256', `${userInfo().username}@127.0.0.1`].join('\t');
		return Array(count).fill(line);
	}

	async gateway(settings = {}, options = {}) {
		const gateway = await Gateway.start({ 'ticket.lifetime': 300, 'api.calls_per_second': 1000000,
			'session.most': 4096, 'gateway.log_level': 'warning', ...settings }, options);
		this.last = gateway;
		gateway.bench = { undo: this.later(() => gateway.stop()), tokens: [],
			agent: new https.Agent({ keepAlive: true, maxSockets: 8 }) };
		this.later(() => gateway.bench.agent.destroy());
		gateway.prepare({ device: 'target', port: this.sshd.port, username: this.sshd.username, keyFile: this.keyFile });
		await gateway.token();
		return gateway;
	}

	async stopGateway(gateway) {
		gateway.bench.agent.destroy();
		await this.now(gateway.bench.undo);
	}

	// Lines for the load program; their sessions are ended by endSessions().
	async pages(gateway, count = 1) {
		const lines = [];
		const one = async () => {
			const answer = await gateway.request('POST', '/api/pam/remote/session', { headers: gateway.bearer,
				body: gateway.request_body, agent: gateway.bench.agent });
			if (answer.status !== 200) throw new Error(`remote/session: ${answer.status} ${answer.text}`);
			const { session } = answer.json;
			gateway.bench.tokens.push(session.token);
			lines.push(['page', gateway.port, gateway.host, new URL(session.session_url).searchParams.get('_sr')].join('\t'));
		};
		for (let left = count; left > 0; left -= 8)
			await Promise.all(Array.from({ length: Math.min(8, left) }, one));
		return lines;
	}

	async endSessions(gateway) {
		const tokens = gateway.bench.tokens.splice(0);
		for (let i = 0; i < tokens.length; i += 8)
			await Promise.all(tokens.slice(i, i + 8).map((token) => gateway.request('DELETE',
				`/api/pam/remote/session/${token}`, { headers: gateway.bearer, agent: gateway.bench.agent })));
		await until(() => gateway.processes('worker').length === 0, 'the workers to end', 60000);
	}

	// nginx answers the same bytes to every POST, with our certificate, on the same cores.
	async nginx(gateway, body) {
		const port = await freePort();
		for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(this.at(`nginx-${name}`), { recursive: true });
		const temporary = ['client_body body', 'proxy proxy', 'fastcgi fastcgi', 'uwsgi uwsgi', 'scgi scgi']
			.map((pair) => pair.split(' ')).map(([directive, name]) => `${directive}_temp_path ${this.at(`nginx-${name}`)};`);
		writeFileSync(this.at('nginx.conf'), [`${process.getuid() === 0 ? `user ${userInfo().username};` : ''}`,
			'daemon off; worker_processes 2; pid nginx.pid; error_log stderr error;', 'events { worker_connections 4096; }',
			'http {', ...temporary, 'access_log off; keepalive_requests 1000000000; ssl_protocols TLSv1.3;',
			`ssl_certificate ${path.join(gateway.data, 'tls/cert.pem')}; ssl_certificate_key ${path.join(gateway.data, 'tls/key.pem')};`,
			`server { listen 127.0.0.1:${port} ssl backlog=1024;`,
			`location / { default_type application/json; return 200 '${body}'; } } }`, ''].join('\n'));
		const child = spawn('nginx', ['-p', this.directory, '-c', this.at('nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
		let errors = '';
		child.stderr.on('data', (text) => (errors += text));
		const exited = new Promise((done) => child.on('exit', done));
		const undo = this.later(async () => { child.kill('SIGTERM'); await exited; });
		await until(() => {
			if (child.exitCode !== null) throw new Error(`nginx: ${errors}`);
			return load('connections', [port, 1, 1], request(`127.0.0.1:${port}`, '{}')).then((said) => said.per_second > 0, () => false);
		}, 'nginx to answer');
		return { port, stop: () => this.now(undo) };
	}
}

// The words of one POST whose connection ends with it.
export function request(host, body, headers = {}) {
	const lines = Object.entries({ Host: host, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body),
		Connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
	return `POST /api/pam/remote/session HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
