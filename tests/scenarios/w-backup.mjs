// SPDX-License-Identifier: Apache-2.0
// A backup: taken under load, proven alone, restored elsewhere; nothing of it that was used up lives again.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync,
	writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const PASSPHRASE = 'correct horse battery staple';
const refused = (work) => work.then(() => { throw new Error('was not refused'); }, (error) => error);

async function world(settings = {}) {
	const sshd = await Sshd.start();
	const g = await Gateway.start({ 'ticket.lifetime': 300, ...settings });
	g.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	g.directory = mkdtempSync(path.join(tmpdir(), 'sallyport-backup-'));
	g.file = path.join(g.directory, 'one.backup');
	g.sshd = sshd;
	return g;
}
async function end(g, ...others) {
	for (const one of [g, ...others]) await one.stop();
	await g.sshd.stop();
	rmSync(g.directory, { recursive: true, force: true });
}
const backup = (g, file = g.file, ...words) => g.cli(['backup', file, ...words], { input: PASSPHRASE });
const words = (g, data, args, { input = PASSPHRASE, expect = 0 } = {}) => {
	const done = spawnSync(g.program, ['--data', data, '--json', ...args], { input, encoding: 'utf8' });
	assert([expect].flat().includes(done.status), `${args.join(' ')}: exit ${done.status}: ${done.stderr}`);
	return { status: done.status, error: done.stderr, json: done.stdout ? JSON.parse(done.stdout) : undefined };
};
const verify = (g, file, options) => words(g, '/nonexistent', ['backup', 'verify', file], options);

// A gateway of its own on what was restored.
async function restored(g, file = g.file) {
	const other = Object.assign(new Gateway(), { program: g.program, port: g.port, host: g.host, base: g.base, keys: g.keys,
		request_body: g.request_body, data: path.join(g.directory, `elsewhere-${readdirSync(g.directory).length}`) });
	other.said = words(g, other.data, ['restore', file]).json;
	return other;
}
const sql = (data, text) => {
	const done = spawnSync('sqlite3', ['-quote', path.join(data, 'store', 'sallyport.db'), text], { encoding: 'utf8', maxBuffer: 1 << 28 });
	assert(done.status === 0, done.stderr);
	return done.stdout;
};
const tables = (data) => sql(data, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").trim().replaceAll("'", '').split('\n');

story('what was backed up under load is whole elsewhere, and nothing used up lives again', async () => {
	const outside = mkdtempSync(path.join(tmpdir(), 'sallyport-outside-'));
	const mirror = path.join(outside, 'disk', 'mirror.jsonl');
	const g = await world({ 'audit.mirror': mirror });
	let other;
	try {
		const person = await g.person();
		await person.live();
		const spent = await g.session();
		await new Person(g).open(spent.session_url);
		const unspent = await g.session();
		const bearer = { ...g.bearer };
		// Callers keep it busy while it is taken.
		let busy = true, made = 0;
		const callers = Array.from({ length: 4 }, async () => { while (busy) { await g.session(); made++; } });
		await until(() => made > 20, 'callers at work');
		const before = made;
		const child = spawn(g.program, ['--data', g.data, '--json', 'backup', g.file], { stdio: ['pipe', 'pipe', 'pipe'] });
		child.stdin.end(PASSPHRASE);
		let out = '';
		child.stdout.on('data', (text) => (out += text));
		const code = await new Promise((done) => child.on('exit', done));
		busy = false;
		await Promise.all(callers);
		equal(code, 0, 'exit');
		const said = JSON.parse(out);
		assert(made > before, 'calls went on');
		equal(statSync(g.file).mode & 0o777, 0o600, 'its rights');
		equal(readdirSync(g.directory), ['one.backup'], 'nothing beside it');
		const proven = verify(g, g.file).json;
		equal([proven.id, proven.rows, proven.files, proven.audit_row], [said.id, said.rows, said.files, said.audit_row], 'verified');
		equal(proven.recordings_absent, said.recordings_absent, 'recordings are named');
		assert(said.recordings_absent >= 1, 'one at least');
		for (const secret of [PASSPHRASE, 'SALLYKEY', 'root.key', 'db1'])
			equal(readFileSync(g.file).includes(secret), false, `${secret} in the clear`);
		person.drop?.();
		await g.stop({ keep: true });

		// What the old life did after its backup is with the witness alone.
		const kept = path.join(outside, 'kept.jsonl');
		copyFileSync(mirror, kept);
		other = await restored(g);
		assert(other.said.sessions_ended >= 3, `sessions ended: ${other.said.sessions_ended}`);
		equal(sql(other.data, 'SELECT count(*) FROM tokens; SELECT count(*) FROM tickets WHERE spent_at = 0; SELECT count(*) FROM sessions WHERE state < 3').trim(),
			'0\n0\n0', 'nothing lives');
		await other.serve();
		await other.trailIntact();
		// Before it has as many rows of its own it looks cut short; then the two lives disagree.
		const seen = Math.max(...readFileSync(kept, 'utf8').trim().split('\n').map((line) => JSON.parse(line).sequence ?? 0));
		for (let i = 0; other.cli(['audit', 'list']).at(-1).sequence <= seen; i++) other.cli(['user', 'add', `more${i}`]);
		const compared = JSON.parse(other.cli(['audit', 'verify', '--witness', kept], { expect: 5 }).out);
		equal(compared.verdict, 'witness disagrees', 'another life than the witness saw');
		await until(() => readFileSync(mirror, 'utf8').includes('"mirror.forked"'), 'the mirror tells where the lives part');
		const rows = other.cli(['audit', 'list']);
		const row = rows.find(({ event }) => event === 'installation.restored');
		equal([row.detail.from.backup, row.detail.from.row, row.detail.from.row_hash], [said.id, said.audit_row, proven.audit_head], 'where it came from');
		equal(row.sequence, said.audit_row + 1, 'the chain goes on');
		equal(rows.findLast(({ event }) => event === 'backup.begun').detail.recordings, false, 'what left');
		for (const { session_url } of [spent, unspent])
			equal((await refused(new Person(other).open(session_url))).status, 410, 'no URL lives');
		equal((await other.request('GET', `/api/pam/remote/session/${unspent.token}`, { headers: bearer })).status, 401, 'no token lives');
		equal(other.cli(['releases', 'verify']).verdict, 'intact', 'log of releases');
		// It works: the vault opens what the vault sealed.
		other.bearer = undefined;
		const again = await other.person();
		await again.live();
		again.type('echo restored-$((40+2))\r');
		await until(() => again.seen.includes('restored-42'), 'a session there');
		again.type('exit\r');
		await again.over();
		await other.stop({ keep: true });
		// And once more: a life of its own, with the same past.
		const third = await restored(g);
		await third.serve();
		const life = third.cli(['audit', 'list']).find(({ event }) => event === 'installation.restored').detail.from.life;
		assert(/^[0-9a-f]{32}$/.test(life) && life !== row.detail.from.life, `lives: ${life}`);
		await third.stop();
	} finally {
		await end(g, ...(other ? [other] : []));
		rmSync(outside, { recursive: true, force: true });
	}
}, { seconds: 120 });

story('every table is the same row for row, and files are', async () => {
	const g = await world();
	try {
		const person = await g.person();
		await person.live();
		person.type('exit\r');
		await person.over();
		await g.stop({ keep: true });
		const said = backup(g, g.file, '--with-recordings');
		equal(said.recordings_absent, 0, 'with them');
		const other = await restored(g);
		// The audit rows of the gateway that was started for the command came before the copy or after it.
		const last = said.audit_row;
		const bounded = { audit: `WHERE sequence <= ${last}`, heads: `WHERE sequence <= ${last}`, facts: "WHERE name NOT IN ('restored')" };
		equal(tables(other.data), tables(g.data), 'tables');
		for (const table of tables(g.data)) {
			if (['signers', 'signer_certificates'].includes(table)) continue; // compared by the heads that name them
			const text = `SELECT * FROM ${table} ${bounded[table] ?? ''}`.replaceAll('*', table === 'tickets' ? 'hex(hash), session_id, expires_at' : '*');
			if (table === 'tokens') continue; // dropped
			equal(sql(other.data, text), sql(g.data, text), table);
		}
		for (const file of ['installation.pem', 'sallyport.conf', 'tls/key.pem', 'tls/cert.pem', 'vault/keyring', 'vault/root.key',
			...readdirSync(path.join(g.data, 'recordings')).filter((name) => name.endsWith('.rec')).map((name) => `recordings/${name}`)]) {
			assert(readFileSync(path.join(other.data, file)).equals(readFileSync(path.join(g.data, file))), file);
			equal(statSync(path.join(other.data, file)).mode, statSync(path.join(g.data, file)).mode, `rights of ${file}`);
		}
	} finally { await end(g); }
});

story('each cut and each altered byte is found before anything is written', async () => {
	const g = await world();
	try {
		backup(g);
		const size = statSync(g.file).size;
		const copy = path.join(g.directory, 'copy');
		const into = path.join(g.directory, 'never');
		const bytes = readFileSync(g.file);
		const at = [0, 8, 30, Math.floor(size / 2), size - 1];
		for (const offset of at) {
			writeFileSync(copy, bytes);
			const fd = openSync(copy, 'r+');
			writeSync(fd, Buffer.from([bytes[offset] ^ 1]), 0, 1, offset);
			closeSync(fd);
			words(g, into, ['restore', copy], { expect: [1, 3, 4] });
			equal(existsSync(into), false, `byte ${offset}`);
		}
		for (const length of [0, 63, Math.floor(size / 2), size - 1]) {
			writeFileSync(copy, bytes);
			truncateSync(copy, length);
			words(g, into, ['restore', copy], { expect: 3 });
			equal(existsSync(into), false, `cut to ${length}`);
		}
		writeFileSync(copy, Buffer.concat([bytes, Buffer.from('x')]));
		verify(g, copy, { expect: 4 });
		verify(g, g.file, { input: 'another', expect: 4 });
		verify(g, g.file, { input: '', expect: 1 });
		words(g, g.data, ['restore', g.file], { expect: 1 });
		assert(/it is there already/.test(g.cli(['backup', g.file], { input: PASSPHRASE, expect: 1 }).error), 'never over another');
		assert(readFileSync(g.file).equals(bytes), 'and it is as it was');
	} finally { await end(g); }
}, { seconds: 180 });

story('killed at any moment, a backup or a restore leaves nothing or a whole', async () => {
	const g = await world();
	try {
		for (let i = 0; i < 40; i++) await g.session();
		const run = (args, wait) => new Promise((done) => {
			const child = spawn(g.program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
			child.stdin.on('error', () => {});
			child.stdin.end(PASSPHRASE);
			const timer = setTimeout(() => child.kill('SIGKILL'), wait);
			child.on('exit', (code) => { clearTimeout(timer); done(code); });
		});
		backup(g);
		let killed = 0;
		for (let i = 0; i < 6; i++) {
			const file = path.join(g.directory, `try-${i}`);
			const code = await run(['--data', g.data, 'backup', file], 400 + i * 120);
			killed += code !== 0;
			if (existsSync(file)) verify(g, file);
			else equal(code !== 0, true, 'nothing, and it said so');
			rmSync(file, { force: true });
			equal(readdirSync(g.directory), ['one.backup'], 'nothing else');
		}
		assert(killed > 0, 'none was killed');
		killed = 0;
		const data = path.join(g.directory, 'data');
		for (let i = 0; i < 6; i++) {
			const code = await run(['--data', data, 'restore', g.file], 500 + i * 80);
			killed += code !== 0;
			if (existsSync(path.join(data, 'sallyport.conf'))) {
				words(g, data, ['audit', 'verify'], { expect: [0, 7] });
				rmSync(data, { recursive: true });
			} else assert(code !== 0, 'nothing, and it said so');
		}
		assert(killed > 0, 'no restore was killed');
		rmSync(data, { recursive: true, force: true });
		mkdirSync(path.join(data, '.restoring', 'store'), { recursive: true }); // as one leaves it
		mkdirSync(path.join(data, 'tls'));
		equal(words(g, data, ['restore', g.file]).json.data, data, 'the next one takes it up');
		equal(existsSync(path.join(data, '.restoring')), false, 'and clears it away');
	} finally { await end(g); }
}, { seconds: 180 });

story('a full disk leaves nothing, and says why', async () => {
	const g = await world();
	const small = path.join(g.directory, 'small');
	mkdirSync(small);
	if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k,mode=0700', 'tmpfs', small]).status !== 0) {
		await end(g);
		return 'skip: no file system may be mounted here';
	}
	try {
		const { error } = g.cli(['backup', path.join(small, 'one')], { input: PASSPHRASE, expect: 1 });
		assert(/No space left/.test(error), error);
		equal(readdirSync(small), [], 'nothing of it');
		spawnSync('mount', ['-o', 'remount,size=256k', small]);
		backup(g);
		const done = words(g, path.join(small, 'data'), ['restore', g.file], { expect: 1 });
		assert(/No space left|disk of the gateway is full/.test(done.error), done.error);
		equal(readdirSync(path.join(small, 'data')), [], 'nothing of that');
	} finally {
		spawnSync('umount', [small]);
		await end(g);
	}
});
