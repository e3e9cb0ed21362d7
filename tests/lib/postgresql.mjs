// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL cluster of its own: in a private directory, on a Unix socket alone, as an ordinary user.
// node tests/lib/postgresql.mjs COMMAND..: runs it beside one, whose address is SALLYPORT_TEST_STORE.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const home = '/usr/lib/postgresql';
const binaries = () => {
	const versions = existsSync(home) ? readdirSync(home).filter((name) => existsSync(path.join(home, name, 'bin/initdb'))) : [];
	if (!versions.length) throw new Error('there is no PostgreSQL in /usr/lib/postgresql');
	return path.join(home, versions.sort((a, b) => Number(b) - Number(a))[0], 'bin');
};

// It refuses to be root.
function ordinary() {
	if (process.getuid() !== 0) return {};
	const row = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')).find(([name]) => name === 'nobody');
	return { uid: Number(row[2]), gid: Number(row[3]) };
}

const alive = new Set();
process.on('exit', () => {
	for (const cluster of alive) cluster.kill(), cluster.remove();
});

export class Cluster {
	static async start({ settings = {} } = {}) {
		const cluster = new Cluster();
		cluster.owner = ordinary();
		cluster.directory = mkdtempSync(path.join(tmpdir(), 'sallyport-pg-'));
		chmodSync(cluster.directory, 0o755);
		cluster.data = path.join(cluster.directory, 'data');
		cluster.sockets = path.join(cluster.directory, 'run');
		mkdirSync(cluster.sockets);
		if (cluster.owner.uid !== undefined)
			for (const directory of [cluster.directory, cluster.sockets]) chownSync(directory, cluster.owner.uid, cluster.owner.gid);
		cluster.settings = { listen_addresses: '', unix_socket_directories: cluster.sockets, max_connections: 60, fsync: 'on',
			shared_buffers: '32MB', log_min_messages: 'warning', timezone: 'UTC', ...settings };
		const made = spawnSync(path.join(binaries(), 'initdb'), ['-D', cluster.data, '-A', 'trust', '-U', 'sallyport', '-E', 'UTF8',
			'--locale=C', '--no-sync', '--no-instructions'], { encoding: 'utf8', cwd: cluster.directory, ...cluster.owner });
		if (made.status !== 0) throw new Error(`initdb: ${made.stderr}${made.stdout}`);
		await cluster.serve();
		return cluster;
	}

	get socket() { return path.join(this.sockets, '.s.PGSQL.5432'); }

	async serve() {
		this.log = '';
		const words = Object.entries(this.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
		this.process = spawn(path.join(binaries(), 'postgres'), ['-D', this.data, ...words],
			{ stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory, ...this.owner });
		alive.add(this);
		for (const stream of [this.process.stdout, this.process.stderr]) {
			stream.on('data', (text) => (this.log = (this.log + text).slice(-20000)));
			stream.unref();
		}
		this.exited = new Promise((done) => this.process.on('exit', done));
		this.process.unref();
		for (;;) {
			if (this.process.exitCode !== null) throw new Error(`postgres did not start:\n${this.log}`);
			if (await this.#answers()) return;
			await new Promise((done) => setTimeout(done, 20));
		}
	}

	#answers() {
		return new Promise((done) => {
			const ready = spawn(path.join(binaries(), 'pg_isready'), ['-q', '-h', this.sockets, '-U', 'sallyport']);
			ready.on('exit', (status) => done(status === 0));
		});
	}

	// All of its processes, the way a machine loses them.
	pids() {
		const rows = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).stdout.trim().split('\n')
			.map((line) => line.trim().split(/\s+/).map(Number));
		return [this.process.pid, ...rows.filter(([, parent]) => parent === this.process.pid).map(([pid]) => pid)];
	}

	signal(name) {
		for (const pid of this.pids()) try { process.kill(pid, name); } catch { /* gone meanwhile */ }
	}

	kill() { this.signal('SIGKILL'); }

	async crash() {
		this.process.ref();
		this.kill();
		await this.exited;
	}

	// Ends it, with all that is connected.
	async stop() {
		this.process.ref();
		this.signal('SIGCONT'); // whatever a story did to it
		this.process.kill('SIGQUIT');
		await this.exited;
		this.remove();
	}

	remove() {
		alive.delete(this);
		rmSync(this.directory, { recursive: true, force: true });
	}

	sql(database, words) {
		const done = spawnSync('psql', ['-h', this.sockets, '-U', 'sallyport', '-d', database, '-v', 'ON_ERROR_STOP=1', '-AtXq'],
			{ input: words, encoding: 'utf8', maxBuffer: 1 << 28 });
		if (done.status !== 0) throw new Error(`psql: ${done.stderr}`);
		return done.stdout.trim();
	}

	url(database) {
		return `postgresql://sallyport@/${database}?host=${encodeURIComponent(this.sockets)}`;
	}

	database(name) {
		this.sql('postgres', `CREATE DATABASE ${name}`);
		return this.url(name);
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const cluster = await Cluster.start();
	const [command, ...words] = process.argv.slice(2);
	const child = spawn(command, words, { stdio: 'inherit', env: { ...process.env, SALLYPORT_TEST_STORE: cluster.database('sallyport') } });
	const [status] = await new Promise((done) => child.on('exit', (...how) => done(how)));
	await cluster.stop();
	process.exit(status ?? 1);
}
