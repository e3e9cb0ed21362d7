// SPDX-License-Identifier: Apache-2.0
// What may die, and what is replaced, while sessions live: front, broker and vault in any combination, the whole
// gateway by another build; and what must not live on: the shell of somebody who is gone.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { Build, copyBuild } from '../lib/builds.mjs';
import { Gateway } from '../lib/gateway.mjs';
import { FRAME, Person, STATE } from '../lib/person.mjs';
import { Sshd, Telnetd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';
import { Token, module } from '../lib/token.mjs';
import { Parrot, Sufferer } from '../torture/lib/disconnects.mjs';
import { command, family } from '../torture/lib/life.mjs';
import { Dice, seed } from '../torture/lib/seed.mjs';

const GAP = { CLOSED: 1, LOST: 2, RENEWED: 3, CRASHED: 4 };
const quiet = { 'telnet.success': '$ ', 'gateway.log_level': 'warning', 'ticket.lifetime': 300 };
const status = async (g) => JSON.parse(await command(g, ['status']));
const reload = (g, ...more) => command(g, ['reload', ...more]);
const sessions = async (g) => JSON.parse(await command(g, ['session', 'list', '--limit', '1000']));
const pidOf = (g, name) => family(g).find((child) => child.name === name)?.pid;

async function withParrot(settings, work, options) {
	const parrot = await Parrot.start();
	const g = await Gateway.start({ ...quiet, ...settings }, options);
	try {
		g.prepare({ device: 'db1', port: parrot.port, protocol: 'TELNET', username: 'root', password: 'first', trust: false });
		await work(g, parrot);
	} finally {
		await g.stop();
		await parrot.stop();
	}
}

// People whose sessions talk and listen all the time, and who come back by themselves.
async function people(g, parrot, count, name) {
	const all = Array.from({ length: count }, (_, number) => new Sufferer(g, parrot, new Dice(`${name} ${number}`), `${name}${number}`));
	for (const one of all) {
		await one.start();
		await one.person.close();
		one.staying = one.person.stay().catch((error) => { one.fault = error; });
		one.typing = (async () => {
			while (!one.over) {
				one.type();
				await sleep(one.dice.below(30));
			}
		})();
	}
	return all;
}

async function check(all) {
	for (const one of all) {
		if (one.fault) throw one.fault;
		one.over = true;
		await one.typing;
		await one.person.leave();
		await one.staying;
		await one.check();
		await one.leave();
	}
}

const end = (all) => Promise.all(all.map((one) => {
	one.over = true;
	one.person?.leave();
	return one.end();
}));

// One that makes sessions without a pause. What is acknowledged is written down; what was not is asked again.
class Caller {
	constructor(g, agent) {
		Object.assign(this, { g, agent, tokens: [], failures: [], retries: 0, on: true });
		this.work = this.run();
	}

	async run() {
		while (this.on) {
			const answer = await this.call().catch((error) => this.failed(error));
			if (answer?.status === 200) this.tokens.push(answer.json.session.token);
			else if (answer) this.failures.push(`${answer.status} ${answer.text}`);
			await sleep(2);
		}
	}

	call() {
		return this.g.request('POST', '/api/pam/remote/session', { headers: this.g.bearer, body: this.g.request_body, agent: this.agent });
	}

	// A connection that was kept after its last answer may be closed before the next question: asked again.
	failed(error) {
		if (error.code === 'ECONNRESET' && this.agent && error.reused) this.retries++;
		else this.failures.push(`${error.code} ${error.message}`);
	}

	async stop() {
		this.on = false;
		await this.work;
	}

	async checkTokens() {
		for (const token of this.tokens) {
			const { status: code } = await this.g.request('GET', `/api/pam/remote/session/${token}`, { headers: this.g.bearer });
			equal(code, 200, `the acknowledged session ${token}`);
		}
	}
}

story('front, broker and vault die at any moment, together or alone: sessions live on, nothing is lost', () =>
	withParrot({}, async (g, parrot) => {
		const dice = new Dice('survival deaths');
		await g.token();
		const all = await people(g, parrot, 3, 'ana');
		const caller = new Caller(g);
		const back = [];
		try {
			for (let round = 0; round < 14; round++) {
				await sleep(dice.between(50, 500));
				const victims = dice.shuffled(['front', 'broker', 'vault']).slice(0, 1 + dice.below(3));
				const at = Date.now();
				for (const victim of victims) {
					const pid = pidOf(g, victim);
					if (pid) process.kill(pid, 'SIGKILL');
					if (dice.below(2) === 0) await sleep(dice.between(0, 40));
				}
				const served = caller.tokens.length;
				await until(() => caller.tokens.length > served + 1, `calls to be answered after ${victims} died (seed ${seed})`, 20000);
				for (const one of all) {
					const seen = one.size;
					await until(() => one.fault || one.size > seen, `${one.name} to see more after ${victims} died (seed ${seed})`, 20000);
				}
				back.push(Date.now() - at);
			}
			await caller.stop();
			back.sort((a, b) => a - b);
			console.log(`     seed ${seed}: back after ${back[back.length >> 1]} ms, at most ${back.at(-1)} ms; ${caller.tokens.length} calls acknowledged`);
			assert(back[back.length >> 1] < 5000, `back after ${back}`);
			await caller.checkTokens();
			// Broker and recorder agree again on what lives.
			const live = (await sessions(g)).filter((row) => row.state === 'live');
			equal(live.map((row) => row.session_id).sort(), all.map((one) => one.person.session).sort(), 'live sessions');
			await check(all);
		} finally {
			await caller.stop();
			await end(all);
		}
	}), { seconds: 120 });

// A kill while a session is being opened: its page may be told to try again, and does.
async function open(g, url) {
	const person = new Person(g, { counts: true });
	const attempts = Date.now() + 15000;
	for (;;) {
		try {
			await person.open(url);
			return person;
		} catch (error) {
			if (error.status === 410) return undefined; // it was spent, and the answer was lost
			if (Date.now() > attempts) throw error;
			await sleep(30);
		}
	}
}

story('a session that was being opened when broker or vault died comes live or ends, with a reason', () =>
	withParrot({ 'session.reattach': 5 }, async (g) => {
		const dice = new Dice('survival openings');
		const outcome = { live: 0, ended: 0, lost: 0 };
		await g.token();
		for (let round = 0; round < 16; round++) {
			const url = await until(() => g.session({}).then((session) => session.session_url, () => false), 'a URL');
			const victims = dice.one([['broker'], ['vault'], ['broker', 'vault']]);
			const killed = (async () => {
				await sleep(dice.between(0, 60));
				for (const victim of victims) if (pidOf(g, victim)) process.kill(pidOf(g, victim), 'SIGKILL');
			})();
			const person = await open(g, url);
			await killed;
			if (!person) {
				outcome.lost++;
				continue;
			}
			const staying = person.stay().catch(() => {});
			await until(() => person.state === STATE.LIVE || person.ended || person.gone, `a session that was opened while ${victims} died (seed ${seed})`, 20000);
			if (person.state === STATE.LIVE) outcome.live++;
			else outcome.ended++;
			if (person.ended) assert(person.ended.why < 0 && person.ended.words !== '', `a reason: ${JSON.stringify(person.ended)}`);
			person.leave();
			await staying;
		}
		console.log(`     seed ${seed}: ${JSON.stringify(outcome)}`);
		assert(outcome.live > 0, 'most come live');
		// Nobody is attached any more: nothing hangs on half way.
		await until(async () => (await sessions(g)).every((row) => ['ended', 'created'].includes(row.state)), `all sessions to be ended (seed ${seed})`, 30000);
		for (const row of (await sessions(g)).filter(({ state }) => state === 'ended')) assert(row.reason !== '', `a reason: ${JSON.stringify(row)}`);
	}), { seconds: 180 });

story('twenty reloads under load: no call is refused, no session notices, nothing is lost', () =>
	withParrot({}, async (g, parrot) => {
		await g.token();
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
		const all = await people(g, parrot, 3, 'eva');
		const callers = [new Caller(g), new Caller(g), new Caller(g, agent)];
		const supervisor = g.process.pid;
		const took = [];
		try {
			for (let round = 2; round <= 21; round++) {
				const began = Date.now();
				const answer = JSON.parse(await reload(g));
				took.push(Date.now() - began);
				equal(answer.generation, round, 'generation');
			}
			await Promise.all(callers.map((caller) => caller.stop()));
			equal(callers.flatMap((caller) => caller.failures), [], 'calls that failed');
			equal(g.process.pid, supervisor, 'the supervisor'), equal(g.process.exitCode, null, 'its exit');
			const now = await status(g);
			equal([now.generation, now.reload.state, now.live], [21, 'done', 3], 'status');
			const retired = now.generations.filter((row) => row.retired && row.process === 'recorder');
			equal(retired.reduce((sum, row) => sum + row.sessions, 0), 3, `recorders that finish their sessions: ${JSON.stringify(retired)}`);
			console.log(`     ${took.sort((a, b) => a - b)[10]} ms, at most ${took.at(-1)} ms; ` +
				`${callers.reduce((sum, caller) => sum + caller.tokens.length, 0)} calls, ${callers[2].retries} asked again on a kept connection`);
			for (const caller of callers) await caller.checkTokens();
			await check(all);
			// The recorders of older generations end with their sessions; the rest ended before.
			await until(async () => (await status(g)).generations.every((row) => !row.retired), 'the old generations to be gone', 20000);
			equal(family(g).filter(({ name }) => ['front', 'broker', 'vault', 'recorder'].includes(name)).length, 4, 'processes');
		} finally {
			await Promise.all(callers.map((caller) => caller.stop()));
			await end(all);
			agent.destroy();
		}
	}), { seconds: 180 });

story('a reload puts another build in place, with sessions living on', async () => {
	const programs = copyBuild();
	const other = Build.make({ version: '9.9.9' });
	const foreign = Build.make({ version: '10.0.0', format: 'f' });
	try {
		await withParrot({}, async (g, parrot) => {
			await g.token();
			const all = await people(g, parrot, 2, 'rui');
			try {
				const before = await status(g);
				assert(before.generations.every((row) => row.version === before.version), JSON.stringify(before));
				other.install(programs);
				equal(JSON.parse(await reload(g)).ends_sessions, false, 'nobody has to end');
				const now = await status(g);
				equal(now.version, '9.9.9', 'version of the broker');
				const version = (process, retired) => now.generations.filter((row) => row.process === process && row.retired === retired).map((row) => row.version);
				for (const process of ['supervisor', 'front', 'broker', 'vault', 'recorder'])
					equal(version(process, false), ['9.9.9'], `version of the ${process}`);
				equal(version('recorder', true), [before.version], 'the old recorder');
				assert(readFileSync(`/proc/${g.process.pid}/exe`).equals(readFileSync(path.join(programs, 'sallyport-supervisor'))), 'the supervisor itself is the new program');
				await until(() => all.every((one) => one.person.welcome), 'everybody to be back');

				// A build that speaks another wire format cannot have these sessions: it says so, and nothing happens.
				foreign.install(programs);
				const refused = await reload(g).then(() => 'no', (error) => error.message);
				assert(/another wire format.*2 sessions would end.*--force/.test(refused), refused);
				// One program of another build among ours is no gateway at all.
				other.install(programs);
				foreign.install(programs, ['sallyport-vault']);
				const mixed = await reload(g).then(() => 'no', (error) => error.message);
				assert(/not of one build/.test(mixed), mixed);
				equal([(await status(g)).generation, (await status(g)).version], [2, '9.9.9'], 'as before');
				for (const one of all) {
					const seen = one.size;
					await until(() => one.size > seen, 'the sessions to live on');
				}
				// With --force they end, in order and with a reason, and the new build begins in the same process.
				for (const one of all) one.over = true;
				foreign.install(programs);
				g.program = path.join(programs, 'sallyport');
				equal(JSON.parse(await reload(Object.assign(Object.create(g), { program: path.join(other.directory, 'sallyport') }), '--force')).ends_sessions, true, 'sessions end');
				for (const one of all) {
					await until(() => one.person.ended || one.fault, 'the person to be told', 20000);
					assert(/ended|stopped/.test(one.person.ended?.words ?? one.fault.message), `a reason: ${one.fault?.message}`);
				}
				await until(async () => (await status(g).catch(() => ({}))).version === '10.0.0', 'the new build', 15000);
				equal(g.process.exitCode, null, 'the supervisor lives');
				for (const row of await sessions(g)) {
					const shown = JSON.parse(await command(g, ['session', 'show', row.session_id]));
					assert(shown.state === 'ended' && /stopped/.test(JSON.stringify(shown)), `a session of the old build: ${JSON.stringify(shown)}`);
				}
				equal((await g.create()).status, 200, 'and its gateway serves');
			} finally {
				await end(all);
			}
		}, { programs });
	} finally {
		for (const directory of [programs]) rmSync(directory, { recursive: true, force: true });
		other.remove();
		foreign.remove();
	}
}, { seconds: 120 });

const certificateOf = (g) => new Promise((done, fail) => {
	const socket = tls.connect({ host: '127.0.0.1', port: g.port, rejectUnauthorized: false, servername: 'localhost' }, () => {
		done(socket.getPeerCertificate().fingerprint256);
		socket.destroy();
	});
	socket.on('error', fail);
});

story('a reload reads settings and certificate again; what is wrong with them changes nothing', async () => {
	const g = await Gateway.start({ ...quiet, 'api.failures': 5 });
	const value = async (name) => JSON.parse(await command(g, ['settings'])).find((row) => row.name === name).value;
	try {
		const before = await certificateOf(g);
		writeFileSync(path.join(g.data, 'sallyport.conf'), '[gateway]\ntenant = Test\nno_such_setting = 1\n');
		const refused = await reload(g).then(() => 'no', (error) => error.message);
		assert(/sallyport\.conf/.test(refused) && /no_such_setting/.test(refused), refused);
		equal([(await status(g)).generation, await value('api.failures')], [1, '5'], 'the old settings');
		g.settings({ ...quiet, 'api.failures': 7 });
		const key = readFileSync(path.join(g.data, 'tls/key.pem'));
		rmSync(path.join(g.data, 'tls/key.pem'));
		assert(/tls\/key\.pem/.test(await reload(g).then(() => 'no', (error) => error.message)), 'without a key');
		writeFileSync(path.join(g.data, 'tls/key.pem'), 'no key', { mode: 0o600 });
		// Only the front can tell that this is none: it does not come up, and the old one goes on.
		assert(/old generation goes on: sallyport-front/.test(await reload(g).then(() => 'no', (error) => error.message)), 'with a false key');
		equal((await status(g)).reload.state, 'failed', 'status');
		equal(await certificateOf(g), before, 'the old certificate');
		writeFileSync(path.join(g.data, 'tls/key.pem'), key);
		const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=renewed',
			'-keyout', path.join(g.data, 'tls/key.pem'), '-out', path.join(g.data, 'tls/cert.pem')]);
		equal(made.status, 0, 'openssl');
		process.kill(g.process.pid, 'SIGHUP'); // the same by a signal
		await until(async () => (await status(g)).reload.state === 'done', 'the reload', 20000);
		equal(await value('api.failures'), '7', 'the new setting');
		assert(await certificateOf(g) !== before, 'another certificate');
		const now = await status(g);
		assert(now.generations.every((row) => !row.retired), JSON.stringify(now.generations));
	} finally {
		await g.stop();
	}
}, { seconds: 90 });

story('a vault that was opened by its passphrase is open after a reload', async () => {
	const g = await Gateway.start(quiet, { init: ['--passphrase-stdin'], input: 'correct horse battery' });
	try {
		await reload(g);
		equal((await status(g)).vault.sealed, true, 'a sealed one stays sealed');
		g.cli(['unseal'], { input: 'correct horse battery' });
		const opened = pidOf(g, 'vault');
		for (let round = 0; round < 2; round++) await reload(g);
		const now = await status(g);
		equal([now.vault.sealed, now.vault.key_version, now.generation], [false, 1, 4], 'status');
		assert(pidOf(g, 'vault') !== opened, 'another process');
		g.cli(['user', 'add', 'ana']);
		g.cli(['device', 'add', 'db1', '--ip', '127.0.0.1', '--connectivity', 'TELNET:23']);
		g.cli(['credential', 'add', '--device', 'db1', '--username', 'root', '--password-stdin'], { input: 'secret' });
		equal(g.cli(['vault', 'rotate']).key_version, 2, 'it can do everything');
	} finally {
		await g.stop();
	}
}, { seconds: 60 });

story('a vault that its token opened is open after a reload, with the token away', async () => {
	if (!module) return 'skip: SoftHSM is not installed';
	const token = new Token();
	const pin = token.pinFile();
	const g = await Gateway.start({ ...quiet, ...token.settings(pin) }, { init: token.init(pin) });
	try {
		equal((await status(g)).vault.sealed, false, 'opened by itself');
		token.remove();
		for (let round = 0; round < 2; round++) await reload(g);
		const now = await status(g);
		equal([now.vault.sealed, now.vault.source, now.generation], [false, 'pkcs11', 3], 'status');
		g.cli(['seal']);
		await reload(g);
		equal((await status(g)).vault.why, 'SEALED_BY_COMMAND', 'sealed it stays sealed');
	} finally {
		await g.stop();
		token.finish();
	}
	return undefined;
}, { seconds: 90 });

story('reloads leave no hole in what the witness takes outside', async () => {
	const outside = mkdtempSync(path.join(tmpdir(), 'outside-'));
	const mirror = path.join(outside, 'disk', 'audit.jsonl'); // the last directory is made by the gateway
	const g = await Gateway.start({ ...quiet, 'audit.mirror': mirror });
	try {
		for (let round = 0; round < 4; round++) {
			const before = pidOf(g, 'witness');
			g.cli(['user', 'add', `before${round}`]);
			await reload(g);
			g.cli(['user', 'add', `after${round}`]);
			await until(() => ![undefined, before].includes(pidOf(g, 'witness')), 'another witness');
		}
		await until(async () => (await status(g)).witness.outlets[0]?.behind === 0, 'the mirror to have everything', 20000);
		await g.stop({ keep: true });
		const rows = readFileSync(mirror, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'audit.row');
		rows.forEach((row, index) => equal(row.sequence, index + 1, 'row'));
		equal(rows.filter(({ event }) => event === 'user.added').length, 8, 'people');
		equal(rows.at(-1).event, 'gateway.stopped', 'the last row');
		equal(g.cli(['audit', 'verify', mirror]).verdict, 'intact', 'the mirror');
	} finally {
		await g.stop();
		rmSync(outside, { recursive: true, force: true });
	}
}, { seconds: 90 });

story('the recording tells when nobody was attached, and why', () =>
	withParrot({}, async (g, parrot) => {
		await g.token();
		const one = new Sufferer(g, parrot, new Dice('survival gaps'), 'gap');
		await one.start();
		const { person } = one;
		const back = async () => {
			await sleep(120);
			await one.attach();
			await until(() => person.welcome, 'to be back');
		};
		try {
			one.cut();
			await back();
			person.socket.close(1000);
			await person.closed;
			await back();
			await reload(g);
			equal(await person.closed, 1012, 'the close code of a renewed gateway');
			await back();
			process.kill(pidOf(g, 'front'), 'SIGKILL');
			await person.closed;
			await back();
			await until(() => person.gaps?.length === 4, 'the page to be told of each');
			// Somebody looks in beside: no gap.
			person.send(FRAME.END);
			await person.over();
			await until(() => g.cli(['session', 'show', person.session]).state === 'ended', 'the end');
			const { events } = JSON.parse(g.cli(['recording', 'export', person.session, '--format', 'json'], { raw: true }).out);
			const gaps = events.filter(({ type }) => type === 'GAP');
			equal(gaps.map(({ why }) => why), [GAP.LOST, GAP.CLOSED, GAP.RENEWED, GAP.CRASHED], 'why');
			for (const { gap_ms: milliseconds, words } of gaps) {
				assert(milliseconds >= 100 && milliseconds < 60000, `${milliseconds} ms`);
				assert(/^Nobody was attached for \d+\.\d s, from \d{4}-\d\d-\d\dT[\d:.]+Z on: /.test(words), words);
			}
			const text = g.cli(['recording', 'export', person.session, '--format', 'text'], { raw: true }).out;
			for (const words of ['the connection was lost', 'the page was closed', 'the gateway was renewed', 'a part of the gateway ended unexpectedly'])
				equal(text.split(words).length, 2, `"${words}" in the text`);
			assert(g.cli(['recording', 'verify', person.session]).verdict === 'intact', 'the recording');
		} finally {
			await one.end();
		}
		const other = new Sufferer(g, parrot, new Dice('survival no gap'), 'none');
		await other.start();
		try {
			other.person.send(FRAME.END);
			await other.person.over();
			await until(() => g.cli(['session', 'show', other.person.session]).state === 'ended', 'the end');
			const { events } = JSON.parse(g.cli(['recording', 'export', other.person.session, '--format', 'json'], { raw: true }).out);
			assert(!events.some(({ type }) => type === 'GAP'), 'no gap where there was none');
		} finally {
			await other.end();
		}
	}), { seconds: 90 });

// Everything that runs with this word among its arguments.
const running = (word) => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word);
	} catch {
		return false;
	}
});

// A shell with two children; what they are, and what their shell is. Where the shell leads its terminal's session,
// as under sshd, it tells its jobs in the background too; under login(1), it may not be told in time itself.
async function familyOfShell(person, word, leads) {
	await person.live();
	if (leads) await person.run(`sleep ${word} & echo`);
	person.type(leads ? `sleep ${word}\r` : `sleep ${word} | sleep ${word}\r`);
	await until(() => running(word).length === 2, `two children on the target, sleep ${word}`);
	const shell = readFileSync(`/proc/${running(word)[0]}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[1];
	return { word, shell };
}

async function goneFrom({ word, shell }) {
	await until(() => running(word).length === 0, `no child on the target, sleep ${word}`, 15000);
	await until(() => spawnSync('kill', ['-0', shell]).status !== 0, 'no shell on the target', 15000);
}

async function leaveForGood(protocol, target, login) {
	const g = await Gateway.start({ 'gateway.log_level': 'warning', 'ticket.lifetime': 300, 'session.reattach': 5 });
	try {
		g.prepare({ device: 'db1', port: target.port, protocol, trust: protocol === 'SSH', ...login });
		// Gone without a word: when the time to come back is over.
		const lost = await g.person();
		const leads = protocol === 'SSH';
		const first = await familyOfShell(lost, String(100000 + (process.pid % 1000) * 10 + 1), leads);
		lost.socket.terminate();
		await goneFrom(first);
		equal(g.cli(['session', 'show', lost.session]).state, 'ended', 'the session');
		// Ended by the person: at once.
		const ended = await g.person();
		const second = await familyOfShell(ended, String(100000 + (process.pid % 1000) * 10 + 2), leads);
		ended.send(FRAME.END);
		await ended.over();
		await goneFrom(second);
	} finally {
		await g.stop();
		await target.stop();
	}
}

story('who is gone for good leaves nothing on an SSH target', async () => {
	const target = await Sshd.start();
	await leaveForGood('SSH', target, { username: target.username, keyFile: target.allow('ed25519') });
}, { seconds: 60 });

story('who is gone for good leaves nothing on a Telnet target', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const account = makeAccount();
	try {
		await leaveForGood('TELNET', await Telnetd.start(), { username: account.name, password: account.password });
	} finally {
		account.remove();
	}
	return undefined;
}, { seconds: 60 });
