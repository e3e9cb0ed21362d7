// SPDX-License-Identifier: Apache-2.0
// Where the root key comes from, a vault that is sealed, a rotation under load, and the vault's own log.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, onPostgresql } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { Sshd, isRoot } from '../lib/targets.mjs';
import { Token, liar, module } from '../lib/token.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const vaultOf = (g) => g.cli(['status']).vault;
const pidOf = (g, name) => g.processes(name)[0]?.pid;
const events = (g, event) => g.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === event);
const open = (g) => until(() => !vaultOf(g).sealed, 'the vault to be open');
// Sealed, and it has tried to open itself.
const sealed = (g) => until(() => vaultOf(g).sealed && vaultOf(g).reachable && vaultOf(g).why !== 'SEALED', 'a sealed vault');

async function kill(g, name) {
	const before = pidOf(g, name);
	process.kill(before, 'SIGKILL');
	await until(() => pidOf(g, name) && pidOf(g, name) !== before, `another ${name}`, 20000);
}

// A gateway with a target, made with these words of init.
async function withTarget(settings, options) {
	const sshd = await Sshd.start();
	const g = await Gateway.start({ 'ticket.lifetime': 300, ...settings }, options);
	return { g, sshd, finish: async () => { await g.stop(); await sshd.stop(); } };
}
const prepare = (g, sshd) => g.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });

// --- sealed -----------------------------------------------------------------------------------

const passphrase = `correct horse ${randomBytes(8).toString('hex')}`;

story('sealed start: the gateway runs, says why, and opens by its passphrase', async () => {
	const { g, sshd, finish } = await withTarget({}, { init: ['--root-key', 'passphrase'], input: `${passphrase}\n` });
	try {
		await sealed(g);
		const vault = vaultOf(g);
		equal([vault.source, vault.wants, vault.why], ['passphrase', 'passphrase', 'PASSPHRASE_WANTED'], 'what it says');
		assert(/vault +sealed: It waits for its passphrase/.test(g.cli(['status'], { raw: true }).out), g.cli(['status'], { raw: true }).out);
		equal((await g.request('GET', '/healthz')).status, 200, 'health');
		assert(/^sallyport-vault: sealed/.test(g.processes('vault')[0].args), g.processes('vault')[0].args);
		// What needs the vault says so; what does not goes on.
		g.cli(['user', 'add', 'bob']);
		g.cli(['device', 'add', 'db9', '--ip', '127.0.0.1', '--connectivity', `SSH:${sshd.port}`]);
		const refused = g.cli(['credential', 'add', '--device', 'db9', '--username', 'x', '--password-stdin'], { input: 'x', expect: 1 });
		assert(/The vault is sealed/.test(refused.error), refused.error);
		assert(/The vault is sealed/.test(g.cli(['vault', 'rotate'], { expect: 1 }).error), 'rotate');
		g.cli(['unseal'], { input: `${passphrase}\n` });
		equal(vaultOf(g).sealed, false, 'open');
		assert(/is open already/.test(g.cli(['unseal'], { input: 'x', expect: 1 }).error), 'a second time');
		prepare(g, sshd);
		const person = await g.person({});
		await person.live();
		person.close();
		const [row] = events(g, 'vault.unsealed');
		equal([row.result, row.detail.key_version], ['ok', 1], JSON.stringify(row));
		// A rotation keeps the passphrase, or takes a new one.
		g.cli(['vault', 'rotate']);
		g.cli(['vault', 'rotate', '--new-passphrase'], { input: `${passphrase}, another` });
		equal([vaultOf(g).key_version, vaultOf(g).oldest_key_version], [3, 3], 'rotated');
		await kill(g, 'vault');
		await sealed(g);
		assert(/The passphrase is wrong/.test(g.cli(['unseal'], { input: passphrase, expect: 1 }).error), 'the old one');
		g.cli(['unseal'], { input: `${passphrase}, another` });
		equal(vaultOf(g).key_version, 3, 'the new one');
	} finally {
		await finish();
	}
});

story('wrong passphrases: told, on record, and looked at less and less often', async () => {
	const g = await Gateway.start({}, { init: ['--root-key', 'passphrase'], input: passphrase });
	try {
		await sealed(g);
		for (let i = 0; i < 2; i++)
			assert(/The passphrase is wrong/.test(g.cli(['unseal'], { input: `guess ${i}`, expect: 1 }).error), 'told');
		const waits = g.cli(['unseal'], { input: passphrase, expect: 1 }).error; // the right one is not looked at either
		assert(/the next is looked at in \d+ s/.test(waits), waits);
		assert(vaultOf(g).wait_seconds > 0, 'status says how long');
		await until(() => vaultOf(g).wait_seconds === 0, 'the wait to pass', 20000);
		g.cli(['unseal'], { input: passphrase });
		const rows = g.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.detail.asked === 'vault.unsealed');
		equal(rows.map((row) => row.result), ['PASSPHRASE_WRONG', 'PASSPHRASE_WRONG', 'THROTTLED'], 'the trail');
		equal(events(g, 'vault.unsealed').length, 1, 'and the one that was right');
		assert(!JSON.stringify(rows).includes('guess'), 'and not what was typed');
	} finally {
		await g.stop();
	}
});

story('seal: new sessions are refused, open ones go on, it stays sealed', async () => {
	const { g, sshd, finish } = await withTarget({});
	try {
		prepare(g, sshd);
		const live = await g.person({});
		await live.live();
		const waiting = await g.session({}); // a URL that nobody opened yet
		g.cli(['seal']);
		equal(vaultOf(g).why, 'SEALED_BY_COMMAND', 'why');
		assert((await live.run('echo $((6*7))')).includes('42'), 'who is in stays in');
		const answer = await g.create();
		equal(answer.status, 503, 'remote/session');
		assert(/The vault is sealed: no session can be opened until an administrator unseals it/.test(answer.text), answer.text);
		const late = new Person(g);
		const refused = await late.open(waiting.session_url).catch((error) => error);
		equal(refused.status, 503, 'opening a URL');
		assert(/The vault is sealed/.test(refused.text), refused.text);
		// Through a crash of the vault, and a restart of everything.
		await kill(g, 'vault');
		await sealed(g);
		assert((await live.run('echo $((6*7))')).includes('42'), 'still in');
		g.cli(['unseal']); // its root.key is there: nothing is asked
		await late.open(waiting.session_url); // the URL was not spent
		await late.attach();
		await late.live();
		g.cli(['seal', '--end-sessions']);
		const words = (await live.over()).words;
		assert(/The vault was sealed/.test(words), words);
		await late.over();
		equal(events(g, 'vault.sealed').map((row) => row.detail.sessions_ended), [0, 2], 'the trail');
		await g.stop({ keep: true });
		await g.serve();
		await sealed(g);
		equal(vaultOf(g).why, 'SEALED_BY_COMMAND', 'why, after a restart');
		g.cli(['unseal']);
		equal((await g.create()).status, 200, 'and open again');
	} finally {
		await finish();
	}
});

// --- a credential of the service manager ------------------------------------------------------

story('a credential: explained, used, missing, replaced by a rotation', async () => {
	const credentials = mkdtempSync(path.join(tmpdir(), 'credentials-'));
	const file = (name) => path.join(credentials, name);
	const env = { CREDENTIALS_DIRECTORY: credentials };
	const init = ['--root-key', 'systemd-credential'];
	let g;
	try {
		const failed = await Gateway.start({}, { init, env }).catch((error) => error);
		for (const words of ['there is no credential sallyport-root-key', 'systemd-creds encrypt', 'LoadCredentialEncrypted='])
			assert(failed.message.includes(words), failed.message);
		writeFileSync(file('sallyport-root-key'), randomBytes(32), { mode: 0o400 });
		g = await Gateway.start({}, { init, env });
		equal([vaultOf(g).sealed, vaultOf(g).source], [false, 'systemd-credential'], 'open');
		g.cli(['vault', 'rotate']); // the credential stays, what is below it changes
		equal([vaultOf(g).key_version, vaultOf(g).oldest_key_version], [2, 2], 'rotated');
		// Missing: the gateway runs, and says what it lacks.
		await g.stop({ keep: true });
		g.env = {};
		await g.serve();
		equal([vaultOf(g).sealed, vaultOf(g).why, vaultOf(g).wants], [true, 'ROOT_KEY_MISSING', 'nothing'], 'missing');
		assert(/The root key is not there/.test(g.cli(['unseal'], { expect: 1 }).error), 'unseal');
		// Another one comes beside it; a rotation takes it, and then either order of the names opens.
		await g.stop({ keep: true });
		g.env = env;
		writeFileSync(file('sallyport-root-key-next'), randomBytes(32), { mode: 0o400 });
		await g.serve();
		equal(vaultOf(g).sealed, false, 'open again');
		g.cli(['vault', 'rotate']);
		await kill(g, 'vault');
		await open(g);
		await g.stop({ keep: true });
		copyFileSync(file('sallyport-root-key-next'), file('new'));
		rmSync(file('sallyport-root-key'), { force: true });
		copyFileSync(file('new'), file('sallyport-root-key'));
		rmSync(file('sallyport-root-key-next'), { force: true });
		await g.serve();
		equal([vaultOf(g).sealed, vaultOf(g).key_version], [false, 3], 'with the new one alone');
		// A wrong one opens nothing, and destroys nothing.
		await g.stop({ keep: true });
		rmSync(file('sallyport-root-key'), { force: true });
		writeFileSync(file('sallyport-root-key'), randomBytes(32), { mode: 0o400 });
		await g.serve();
		equal(vaultOf(g).why, 'ROOT_KEY_WRONG', 'another key');
	} finally {
		await g?.stop();
		rmSync(credentials, { recursive: true, force: true });
	}
});

// --- a token ----------------------------------------------------------------------------------

// Every file that a process has mapped.
const mapped = (pid) => readFileSync(`/proc/${pid}/maps`, 'utf8');

story('a token opens the vault: PIN from a file, rotation, and never loaded into a service', async () => {
	if (!module) return 'skip: SoftHSM is not installed';
	const token = new Token();
	const pin = token.pinFile();
	const { g, sshd, finish } = await withTarget(token.settings(pin), { init: token.init(pin) });
	try {
		equal([vaultOf(g).sealed, vaultOf(g).source], [false, 'pkcs11'], 'opened by itself');
		prepare(g, sshd);
		g.cli(['vault', 'rotate']); // a new root key, wrapped by the token
		equal([vaultOf(g).key_version, vaultOf(g).oldest_key_version], [2, 2], 'rotated');
		// libpq brings the library p11-kit with it, and no module
		for (const name of isRoot ? ['front', 'broker', 'vault', 'recorder'] : []) // nobody else may look
			assert(!(name === 'broker' && onPostgresql ? /softhsm/ : /softhsm|p11-kit/).test(mapped(pidOf(g, name))), `${name} has the module in its memory`);
		equal(g.processes('token').length, 0, 'the program is gone after its answer');
		await g.stop({ keep: true });
		await g.serve();
		await open(g);
		const person = await g.person({});
		await person.live();
		person.close();
		// A copy of the installation without its token is closed.
		token.remove();
		await kill(g, 'vault');
		await sealed(g);
		equal(vaultOf(g).why, 'TOKEN_ABSENT', 'removed');
		assert(/The token is not there/.test(g.cli(['unseal'], { expect: 1 }).error), 'told');
		token.insert();
		g.cli(['unseal']);
		equal(vaultOf(g).key_version, 2, 'there again');
	} finally {
		await finish();
		token.finish();
	}
});

story('a wrong PIN: one try of the token each, and none by itself after that', async () => {
	if (!module) return 'skip: SoftHSM is not installed';
	const token = new Token();
	const g = await Gateway.start(token.settings(), { init: token.init(), input: `${token.pin}\n` });
	try {
		await sealed(g);
		equal([vaultOf(g).why, vaultOf(g).wants], ['PIN_WANTED', 'pin'], 'asks');
		assert(/The token refused the PIN/.test(g.cli(['unseal'], { input: '000000', expect: 1 }).error), 'told');
		g.cli(['unseal'], { input: token.pin });
		equal(vaultOf(g).sealed, false, 'open');
		assert(/PIN/.test(g.cli(['vault', 'rotate'], { expect: 1 }).error), 'a rotation wants it too');
		g.cli(['vault', 'rotate'], { input: token.pin });
		equal(vaultOf(g).key_version, 2, 'rotated');
		// Now the wrong one stands in a file: it is tried once, and not at every restart of the vault.
		await g.stop({ keep: true });
		g.settings(token.settings(token.pinFile('111111')));
		await g.serve();
		equal(vaultOf(g).why, 'PIN_WRONG', 'tried once');
		for (let i = 0; i < 3; i++) {
			await kill(g, 'vault');
			await sealed(g);
			equal(vaultOf(g).why, 'PIN_HELD', 'not tried again');
		}
		equal(vaultOf(g).wants, 'pin', 'a person is asked');
		await until(() => vaultOf(g).wait_seconds === 0, 'the wait to pass');
		g.cli(['unseal'], { input: token.pin });
		equal(vaultOf(g).sealed, false, 'a person opens it');
		// Or the service manager brings it.
		await g.stop({ keep: true });
		g.settings(token.settings('credential'));
		g.env = { CREDENTIALS_DIRECTORY: token.directory };
		await g.serve();
		equal(vaultOf(g).why, 'PIN_MISSING', 'not there');
		writeFileSync(path.join(token.directory, 'sallyport-token-pin'), token.pin, { mode: 0o400 });
		await g.stop({ keep: true });
		await g.serve();
		equal(vaultOf(g).sealed, false, 'a credential opens it');
	} finally {
		await g.stop();
		token.finish();
	}
});

story('a token that hangs holds nobody up, and is ended when its time is over', async () => {
	if (!module) return 'skip: SoftHSM is not installed';
	const token = new Token();
	const g = await Gateway.start(token.settings(), { init: token.init(), input: token.pin });
	try {
		await g.stop({ keep: true });
		g.settings({ ...token.settings(), 'vault.token_module': liar, 'vault.token_environment': 'LIAR=hangs', 'vault.token_timeout': 3 });
		await g.serve();
		await sealed(g);
		g.cli(['application', 'add', 'portal']);
		let over = false;
		const waiting = spawn(g.program, ['--data', g.data, 'unseal'], { stdio: ['pipe', 'ignore', 'pipe'] });
		let said = '';
		waiting.stderr.on('data', (text) => (said += text));
		const exit = new Promise((done) => waiting.on('exit', (code) => { over = true; done(code); }));
		waiting.stdin.end(token.pin);
		await until(() => g.processes('token').length === 1, 'the program that asks the token');
		while (!over) {
			equal((await g.request('GET', '/healthz')).status, 200, 'others are served');
			equal(g.cli(['status']).running, true, 'and the administrator');
		}
		equal(await exit, 1, 'unseal');
		assert(/The token did not answer in time/.test(said), said);
		await until(() => g.processes('token').length === 0, 'the end of the program');
		equal(vaultOf(g).why, 'TOKEN_SILENT', 'why');
		g.settings(token.settings());
		await g.stop({ keep: true });
		await g.serve();
		g.cli(['unseal'], { input: token.pin });
		equal(vaultOf(g).sealed, false, 'with the right module it opens');
	} finally {
		await g.stop();
		token.finish();
	}
});

// --- rotation ---------------------------------------------------------------------------------

const SECRETS = 70; // several steps of the rewrapping

// Calls and openings of sessions, one after another, until stopped: { failures, calls, sessions }.
function load(g) {
	const count = { calls: 0, sessions: 0, failures: [] };
	let going = true;
	const again = async (name, work) => {
		while (going) {
			try {
				await work();
				count[name]++;
			} catch (error) {
				count.failures.push(`${name}: ${error.message}`);
				await new Promise((done) => setTimeout(done, 50)); // somebody was killed
			}
		}
	};
	const call = async () => {
		const answer = await g.create();
		if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
	};
	const session = async () => {
		const person = await g.person({});
		await person.live();
		person.type('exit\r');
		await person.over();
	};
	const loops = [call, call, call, call].map((work) => again('calls', work)).concat([session, session].map((work) => again('sessions', work)));
	return { count, stop: async () => { going = false; await Promise.all(loops); return count; } };
}

function olderThan(g, version) {
	return Number(g.sql(`SELECT (SELECT count(*) FROM credentials WHERE key_version < ${version}) +
		(SELECT count(*) FROM authorizations WHERE (consumer_key_version > 0 AND consumer_key_version < ${version}) OR
		(token_key_version > 0 AND token_key_version < ${version}))`));
}

const finished = (g, version) => until(() => {
	const vault = vaultOf(g);
	return vault.reachable && vault.key_version >= version && vault.oldest_key_version === vault.key_version;
}, 'the old root keys to be erased', 30000);

let rotating;
const rotatingGateway = async () => {
	if (rotating) return rotating;
	rotating = await withTarget({ 'session.most_per_user': 0 });
	const { g, sshd } = rotating;
	g.agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
	prepare(g, sshd);
	for (let i = 0; i < SECRETS; i++)
		g.credential({ device: 'db1', username: `user${i}`, password: `secret ${i}` });
	// OAuth 1.0 secrets are envelopes as well.
	g.cli(['application', 'add', 'old', '--auth', 'oauth1']);
	g.cli(['authorization', 'add', '--application', 'old', '--resource', 'web-proxy-session:rw', '--credential', `${sshd.username}@db1`]);
	return rotating;
};

story('a rotation under load: no call fails, every secret is brought over, the old key is erased', async () => {
	const { g } = await rotatingGateway();
	const first = await g.person({});
	await first.live();
	await first.run('echo before the rotation');
	first.type('exit\r');
	await first.over();
	rotating.first = first.session;
	const work = load(g);
	for (let version = 2; version <= 4; version++) {
		g.cli(['vault', 'rotate']);
		equal([vaultOf(g).key_version, vaultOf(g).oldest_key_version], [version, version], 'versions');
		equal(vaultOf(g).rotation, { going: false, left: 0, stuck: 0 }, 'nothing is left');
		equal(olderThan(g, version), 0, 'envelopes under older keys');
	}
	await until(() => work.count.sessions >= 2 && work.count.calls >= 20, 'some load', 30000);
	const { calls, sessions, failures } = await work.stop();
	equal(failures, [], 'failures');
	console.log(`     ${calls} calls and ${sessions} sessions meanwhile`);
	const rows = events(g, 'vault.retired');
	equal(rows.map((row) => row.detail.key_version), [2, 3, 4], 'the trail');
	assert(rows[0].detail.rewrapped > SECRETS, JSON.stringify(rows[0]));
	assert(g.cli(['recording', 'export', rotating.first, '--format', 'text'], { raw: true }).out.includes('before the rotation'),
		'an old recording');
}, { seconds: 120 });

story('a rotation is killed at any point, and goes on', async () => {
	const { g } = await rotatingGateway();
	const stays = await g.person({});
	await stays.live();
	const work = load(g);
	for (let i = 0; i < 8; i++) {
		const before = vaultOf(g).key_version;
		const rotation = spawn(g.program, ['--data', g.data, 'vault', 'rotate', '--no-wait'], { stdio: 'ignore' });
		const asked = new Promise((done) => rotation.on('exit', done));
		// Before it is asked, while it is, and while secrets are brought over.
		await new Promise((done) => setTimeout(done, i * 12));
		await kill(g, i % 2 ? 'broker' : 'vault');
		await asked;
		await until(() => vaultOf(g).reachable, 'the vault', 20000);
		await finished(g, before);
		equal(olderThan(g, vaultOf(g).key_version), 0, `kill ${i}: envelopes under older keys`);
	}
	await work.stop();
	assert(vaultOf(g).key_version > 4, 'some of them rotated');
	assert((await stays.run('echo $((6*7))')).includes('42'), 'an open session noticed nothing');
	stays.close();
	// Everything opens: each secret once, through a rotation that has to open them all.
	g.cli(['vault', 'rotate']);
	equal(vaultOf(g).rotation.stuck, 0, 'none is lost');
	const person = await g.person({});
	await person.live();
	person.close();
	assert(g.cli(['recording', 'export', rotating.first, '--format', 'text'], { raw: true }).out.includes('before the rotation'),
		'an old recording');
	await g.trailIntact();
}, { seconds: 240 });

// --- the vault's own log ----------------------------------------------------------------------

story('releases: listed and proven from files alone; a log that was cut disagrees with the trail', async () => {
	const { g } = await rotatingGateway();
	const rows = g.cli(['releases', 'list']);
	assert(rows.some((row) => row.what === 'key' && row.device === 'db1'), JSON.stringify(rows[0]));
	assert(rows.some((row) => row.what === 'recording' && row.session === rotating.first), 'who read a recording');
	const proof = g.cli(['releases', 'verify']);
	equal([proof.verdict, proof.compared, proof.lines], ['intact', true, rows.length], 'while it runs');
	await g.stop({ keep: true });
	equal(g.cli(['releases', 'verify']).verdict, 'intact', 'when it does not');
	const log = path.join(g.data, 'vault', 'releases.log');
	const whole = readFileSync(log);
	// The last line away: the trail has seen it.
	truncateSync(log, whole.lastIndexOf(10, whole.length - 2) + 1);
	assert(/cut short after line \d+: row \d+ of the audit trail has seen line \d+/.test(
		g.cli(['releases', 'verify'], { raw: true, expect: 1 }).out), 'cut');
	// The log alone cannot know.
	assert(/^intact/.test(g.cli(['releases', 'verify', '--alone'], { raw: true }).out), 'alone');
	const changed = Buffer.from(whole);
	changed[whole.indexOf('"device":"db1"') + 12] = 0x32;
	writeFileSync(log, changed);
	assert(/^line \d+ was altered/.test(g.cli(['releases', 'verify', '--alone'], { raw: true, expect: 1 }).out), 'altered');
	writeFileSync(log, whole);
	equal(g.cli(['releases', 'verify']).verdict, 'intact', 'as it was');
	equal(statSync(log).size, whole.length, 'nothing was written');
	equal(readdirSync(path.join(g.data, 'vault')).filter((name) => name.endsWith('.new')), [], 'nothing half-written is left');
}, { seconds: 60 });

story('the vault gateway ends', async () => {
	await rotating?.finish();
});
