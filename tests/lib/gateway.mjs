// SPDX-License-Identifier: Apache-2.0
// A whole gateway in a directory of its own, driven through the product's own command line.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Person } from './person.mjs';
import { Cluster } from './postgresql.mjs';
import { endWith, equal, until } from './story.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = process.env.SALLYPORT_BUILD ?? path.join(root, 'build');
export const programs = path.join(build, 'meson-out');

// SALLYPORT_STORE=postgresql: every gateway has a database of its own in one cluster; as long as the cluster
// lives, an installation goes on with its database.
export const onPostgresql = process.env.SALLYPORT_STORE === 'postgresql';
let shared, databases = 0;
async function freeDatabase(given) {
	const cluster = given ?? await (shared ??= Cluster.start());
	const database = `gateway_${++databases}`;
	return { cluster, database, store: cluster.database(database) };
}

export async function freePort() {
	const server = net.createServer();
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	const { port } = server.address();
	await new Promise((done) => server.close(done));
	return port;
}

// Somebody else may not be able to walk to the build: a copy of the programs in a directory for all.
function programsFor(owner) {
	if (!owner || spawnSync('test', ['-x', path.join(build, 'sallyport')], owner).status === 0) return undefined;
	const copy = mkdtempSync(path.join(tmpdir(), 'sallyport-programs-'));
	chmodSync(copy, 0o755);
	for (const name of readdirSync(programs).filter((file) => /^sallyport[a-z-]*$/.test(file)))
		copyFileSync(path.join(programs, name), path.join(copy, name));
	return copy;
}

export class Gateway {
	// settings: { 'ticket.lifetime': 300, .. }; owner: { uid, gid } to run as another user; programs: a
	// directory with other programs; data: an empty directory for the installation; wrap: a command that
	// runs the gateway in its own place; env: more of an environment for it; cluster: of PostgreSQL, other than the shared one;
	// beside: another gateway, whose store and root key it shares
	static async start(settings = {}, { owner, init = [], input, programs: directory, data, wrap = [], env = {}, cluster, beside } = {}) {
		const gateway = new Gateway();
		Object.assign(gateway, { owner, wrap, env });
		gateway.copy = directory ? undefined : programsFor(owner);
		gateway.program = path.join(directory ?? gateway.copy ?? build, 'sallyport');
		gateway.data = data ?? mkdtempSync(path.join(tmpdir(), 'sallyport-'));
		if (owner) spawnSync('chown', [`${owner.uid}:${owner.gid}`, gateway.data]);
		gateway.port = await freePort();
		gateway.host = `localhost:${gateway.port}`;
		gateway.base = `https://${gateway.host}`;
		if (beside) Object.assign(gateway, { cluster: beside.cluster, database: beside.database, store: beside.store });
		else if (onPostgresql || cluster) Object.assign(gateway, await freeDatabase(cluster));
		gateway.cli(['init', '--tenant', 'Test', '--public-url', gateway.base, ...init], { input });
		if (beside) for (const name of ['vault/root.key', 'vault/keyring', 'installation.pem']) // what makes them one installation
			copyFileSync(path.join(beside.data, name), path.join(gateway.data, name));
		gateway.settings(settings);
		await gateway.serve();
		return gateway;
	}

	// Writes sallyport.conf; takes effect at the next serve().
	settings(settings) {
		const all = { 'gateway.tenant': 'Test', 'gateway.listen': `127.0.0.1:${this.port}`,
			'gateway.public_url': this.base, ...settings };
		if (this.store && !all['gateway.store']) // a machine that tests on both cores may be slow to commit
			Object.assign(all, { 'gateway.store': this.store, 'gateway.store_wait': 20000 });
		const sections = {};
		for (const [name, value] of Object.entries(all)) {
			const [section, key] = name.split('.');
			(sections[section] ??= []).push(`${key} = ${value}`);
		}
		writeFileSync(path.join(this.data, 'sallyport.conf'),
			Object.entries(sections).map(([name, lines]) => `[${name}]\n${lines.join('\n')}\n`).join('\n'));
	}

	async serve() {
		this.log = '';
		const [program, ...words] = [...this.wrap ?? [], this.program, '--data', this.data, 'serve'];
		this.process = endWith(spawn(program, words,
			{ stdio: ['ignore', 'pipe', 'pipe'], ...this.owner, env: { ...process.env, ...this.env } }));
		this.exited = new Promise((done) => this.process.on('exit', done));
		let out = '';
		this.process.stdout.on('data', (text) => (out += text));
		this.process.stderr.on('data', (text) => (this.log += text));
		await until(() => out.includes('ready') || this.process.exitCode !== null, 'the gateway to be ready', 15000);
		if (!out.includes('ready')) throw new Error(`the gateway did not start:\n${this.log}`);
	}

	async stop({ keep = false } = {}) {
		if (this.process?.exitCode === null && this.process.signalCode === null) {
			this.process.kill('SIGTERM');
			await this.exited;
		}
		if (keep) return;
		for (const directory of [this.data, this.copy].filter(Boolean)) rmSync(directory, { recursive: true, force: true });
	}

	// Runs the command line; returns parsed JSON when there is any, throws on a non-zero exit.
	cli(args, { input = '', raw = false, expect = 0, env } = {}) {
		const done = spawnSync(this.program,
			['--data', this.data, ...(raw ? [] : ['--json']), ...args],
			{ input, encoding: 'utf8', maxBuffer: 1 << 28, ...this.owner, env: { ...process.env, ...this.env, ...env } });
		if (expect !== null && ![expect].flat().includes(done.status)) // a status, several, or any
			throw new Error(`sallyport ${args.join(' ')}: exit ${done.status}: ${done.stderr}${done.stdout}`);
		if (raw || expect !== 0) return { out: done.stdout, error: done.stderr };
		return done.stdout.trim() ? JSON.parse(done.stdout) : undefined;
	}

	// The newest row stands unproven until the vault has certified the key of a broker that has just come.
	async trailIntact() {
		const verify = () => JSON.parse(this.cli(['audit', 'verify'], { expect: [0, 7] }).out);
		let said = verify();
		if (said.verdict === 'unproven')
			await until(() => (said = verify()).verdict !== 'unproven', 'a trail whose newest row is proven');
		equal(said.verdict, 'intact', 'the audit trail');
	}

	// The pids of the processes with this name that belong to this gateway: ps as a person reads it.
	processes(name) {
		const rows = spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).stdout.split('\n')
			.map((line) => line.trim().match(/^(\d+)\s+(\d+)\s+(.*)$/)).filter(Boolean)
			.map(([, pid, parent, args]) => ({ pid: Number(pid), parent: Number(parent), args }));
		return rows.filter((row) => row.parent === this.process.pid && row.args.startsWith(`sallyport-${name}`) &&
			!row.args.endsWith(': template')); // what sessions are copied from is no session
	}

	// A user, a device with its host key pinned, a credential, an application with rights on it.
	prepare({ user = 'ana', device, port, protocol = 'SSH', username, password, keyFile, trust = true,
		extra = '', deviceOptions = [], application = 'portal', auth = 'oauth2' }) {
		this.cli(['user', 'add', user]);
		this.cli(['device', 'add', device, '--ip', '127.0.0.1', '--connectivity', `${protocol}:${port}${extra}`, ...deviceOptions]);
		if (trust) this.cli(['device', 'trust', device, '--protocol', protocol, '--yes']);
		this.credential({ device, username, password, keyFile });
		this.cli(['application', 'add', application, '--auth', auth]);
		this.keys = this.cli(['authorization', 'add', '--application', application, '--resource', 'web-proxy-session:rw',
			'--credential', `${username}@${device}`]);
		this.request_body = { user, credential: username, device, protocol: protocol.toLowerCase() };
		return this.keys;
	}

	credential({ device, username, password, keyFile }) {
		if (keyFile)
			return this.cli(['credential', 'add', '--device', device, '--username', username, '--ssh-key-file', keyFile]);
		return this.cli(['credential', 'add', '--device', device, '--username', username, '--password-stdin'],
			{ input: password });
	}

	// One HTTPS request. body: object (JSON) or string.
	request(method, target, { headers = {}, body, agent, localAddress } = {}) {
		const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
		const sent = { Host: this.host, ...headers };
		if (payload !== undefined) sent['Content-Length'] = Buffer.byteLength(payload);
		if (payload !== undefined && typeof body !== 'string' && !Object.keys(sent).some((k) => /^content-type$/i.test(k)))
			sent['Content-Type'] = 'application/json';
		return new Promise((done, fail) => {
			const request = https.request({ host: '127.0.0.1', port: this.port, method, path: target, headers: sent,
				rejectUnauthorized: false, servername: 'localhost', agent: agent ?? this.agent ?? false, localAddress, setHost: false },
			(answer) => {
				const chunks = [];
				answer.on('data', (chunk) => chunks.push(chunk));
				answer.on('end', () => {
					const text = Buffer.concat(chunks).toString();
					let json;
					try { json = JSON.parse(text); } catch { /* not every answer is JSON */ }
					done({ status: answer.statusCode, headers: answer.headers, text, json });
				});
				answer.on('error', fail);
			});
			request.on('error', (error) => {
				// the other side had closed a kept connection already: nothing of it was heard
				if (request.reusedSocket && error.code === 'ECONNRESET') this.request(method, target, { headers, body, agent, localAddress }).then(done, fail);
				else fail(Object.assign(error, { reused: request.reusedSocket }));
			});
			request.end(payload);
		});
	}

	form(values) {
		return { headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
			body: new URLSearchParams(values).toString() };
	}

	async token(keys = this.keys) {
		const answer = await this.request('POST', '/iso/oauth2/token', this.form({
			grant_type: 'client_credentials', client_id: keys.client_id, client_secret: keys.client_secret }));
		if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.text}`);
		this.bearer = { Authorization: `Bearer ${answer.json.access_token}` };
		return answer.json.access_token;
	}

	// POST remote/session; `change` is laid over the prepared request.
	async create(change = {}, { target = '/api/pam/remote/session', headers } = {}) {
		if (!this.bearer) await this.token();
		return this.request('POST', target, { headers: { ...this.bearer, ...headers },
			body: { ...this.request_body, ...change } });
	}

	async session(change) {
		const answer = await this.create(change);
		if (answer.status !== 200) throw new Error(`remote/session: ${answer.status} ${answer.text}`);
		return answer.json.session;
	}

	// A person who opens a fresh URL and is attached.
	async person(change, options) {
		const session = await this.session(change);
		const person = new Person(this, options);
		await person.open(session.session_url);
		// Closed without a word, because the session ended meanwhile: tried again, as the page does.
		await person.attach().catch((error) => (/closed 1001/.test(error.message) ? person.attach() : Promise.reject(error)));
		person.token = session.token;
		return person;
	}

	// Behind the gateway's back: one statement said to its database, and what it answers.
	sql(words) {
		if (this.store) return this.cluster.sql(this.database, words);
		const done = spawnSync('sqlite3', [path.join(this.data, 'store', 'sallyport.db'), words], { encoding: 'utf8', maxBuffer: 1 << 28 });
		if (done.status !== 0) throw new Error(`sqlite3: ${done.stderr}`);
		return done.stdout.trim();
	}

	// A backup of the store, and its return; with the gateway stopped.
	keepStore() {
		if (this.store) this.cluster.sql('postgres', `CREATE DATABASE ${this.database}_kept TEMPLATE ${this.database}`);
		else spawnSync('cp', ['-a', path.join(this.data, 'store'), `${this.data}-kept`]);
	}

	putStoreBack() {
		if (this.store) {
			this.cluster.sql('postgres', `DROP DATABASE ${this.database}`);
			this.cluster.sql('postgres', `ALTER DATABASE ${this.database}_kept RENAME TO ${this.database}`);
			return;
		}
		rmSync(path.join(this.data, 'store'), { recursive: true });
		renameSync(`${this.data}-kept`, path.join(this.data, 'store'));
	}

	// The values of text and bytes in each table, in hexadecimal digits.
	stored(table) {
		const names = (rows) => (rows ? rows.split('\n') : []);
		if (!this.store)
			return names(this.sql(`SELECT name FROM pragma_table_info('${table}')`)).flatMap((column) => names(this.sql(
				`SELECT DISTINCT hex("${column}") FROM "${table}" WHERE typeof("${column}") IN ('text', 'blob') LIMIT 40`)));
		return names(this.sql(`SELECT column_name || ' ' || data_type FROM information_schema.columns WHERE table_name = '${table}'` +
			" AND data_type IN ('text', 'bytea')")).flatMap((row) => {
			const [column, type] = row.split(' ');
			const bytes = type === 'text' ? `convert_to("${column}", 'UTF8')` : `"${column}"`;
			return names(this.sql(`SELECT DISTINCT upper(encode(${bytes}, 'hex')) FROM "${table}" WHERE "${column}" IS NOT NULL LIMIT 40`));
		});
	}

	tables() {
		return this.sql(this.store ? "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'" :
			"SELECT name FROM sqlite_master WHERE type = 'table'").split('\n');
	}

	recordingFile(sessionId) {
		return path.join(this.data, 'recordings', `${sessionId}.rec`);
	}

	certificate() {
		return readFileSync(path.join(this.data, 'installation.pem'), 'utf8');
	}
}
