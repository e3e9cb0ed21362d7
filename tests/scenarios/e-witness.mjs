// SPDX-License-Identifier: Apache-2.0
// Evidence taken outside as it comes into being: by syslog, CEF, a webhook, files; and what was done to
// the evidence afterwards is found by whoever kept it.
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, build, freePort, root } from '../lib/gateway.mjs';
import { Authority, Rsyslog, SyslogReceiver, WebhookReceiver } from '../lib/receivers.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const outside = () => path.join(mkdtempSync(path.join(tmpdir(), 'outside-')), 'disk');
const lines = (file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []);
const rows = (file) => lines(file).filter(({ kind }) => kind === 'audit.row');
const newest = (g) => g.cli(['audit', 'list']).at(-1).sequence;
const status = (g) => g.cli(['status']).witness;
const outlet = (g, name) => status(g)?.outlets.find((one) => one.name === name);
const settled = (g, name) => until(() => { const o = outlet(g, name); return o?.up && o.behind === 0; }, `${name} to have everything`, 20000);
const run = (args, options) => spawnSync(path.join(build, 'sallyport'), args, { encoding: 'utf8', ...options });

// A mirror has every row once, in order, each under a head that follows it.
function assertWhole(file, first = 1) {
	const all = rows(file);
	all.forEach((row, index) => equal(row.sequence, first + index, `${file}: row`));
	return all.length;
}

let authority;
const ca = () => (authority ??= new Authority());

story('the audit trail is mirrored as JSON lines that verify by themselves', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror });
	try {
		g.cli(['user', 'add', 'ana']);
		g.cli(['user', 'add', 'rui']);
		await settled(g, 'mirror');
		const want = g.cli(['audit', 'list']);
		const got = rows(mirror);
		equal(got.length, want.length, 'rows');
		want.forEach((row, index) => equal([got[index].event, got[index].hash, got[index].detail], [row.event, row.hash, row.detail], 'row'));
		assert(lines(mirror).some(({ kind, certificate }) => kind === 'audit.head' && certificate), 'a certified head');
		const verdict = g.cli(['audit', 'verify', mirror]);
		equal([verdict.verdict, verdict.proven, verdict.rows], ['intact', want.length, want.length], JSON.stringify(verdict));
		equal(g.processes('witness').length, 1, 'one witness');
	} finally {
		await g.stop({ keep: true });
	}
	// Without any program of ours: the page's own lines, of this mirror and of one that was changed.
	const page = readFileSync(path.join(root, 'docs/formats/audit.md'), 'utf8').match(/^```sh\n(.*?)^```$/ms)[1];
	const text = readFileSync(mirror, 'utf8');
	writeFileSync(path.join(path.dirname(mirror), 'installation.pem'), g.certificate());
	const other = text.replace(/"trail":"(.)/g, (_, digit) => `"trail":"${digit === '0' ? 1 : 0}`);
	for (const [what, status, said] of [[text, 0, 'intact up to row'], [text.replace('user.added', 'user.taken'), 1, /row \d+ altered/], [other, 1, 'Failure']]) {
		writeFileSync(mirror, what);
		const done = spawnSync('sh', ['-c', page], { cwd: path.dirname(mirror), encoding: 'utf8' });
		equal([done.status, (done.stdout + done.stderr).search(said) >= 0], [status, true], `by hand: ${done.stdout}${done.stderr}`);
	}
	writeFileSync(mirror, text);
	// The end itself is on it.
	equal(rows(mirror).at(-1).event, 'gateway.stopped', 'the last row');
	equal(g.cli(['audit', 'verify', mirror]).verdict, 'intact', 'after the end');
	await g.stop();
});

story('a mirror that is renamed goes on in a new file, without a hole', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror });
	try {
		g.cli(['user', 'add', 'ana']);
		await settled(g, 'mirror');
		renameSync(mirror, `${mirror}.1`);
		g.cli(['user', 'add', 'rui']);
		await settled(g, 'mirror');
		await until(() => existsSync(mirror), 'the next file');
		const [first] = lines(mirror);
		equal([first.kind, first.sequence], ['mirror.continued', rows(`${mirror}.1`).at(-1).sequence], 'its first line');
		assertWhole(mirror, first.sequence + 1);
		equal(g.cli(['audit', 'verify', `${mirror}.1`, mirror]).verdict, 'intact', 'both');
		equal(g.cli(['audit', 'verify', mirror]).first, first.sequence + 1, 'the second alone');
		// While nobody runs: the position is known all the same.
		await g.stop({ keep: true });
		renameSync(mirror, `${mirror}.2`);
		await g.serve();
		g.cli(['user', 'add', 'eva']);
		await settled(g, 'mirror');
		equal(g.cli(['audit', 'verify', `${mirror}.1`, `${mirror}.2`, mirror]).verdict, 'intact', 'all three');
	} finally {
		await g.stop();
	}
});

story('a mirror that is emptied in place goes on, and one that is stuck holds up nobody', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror });
	try {
		g.cli(['user', 'add', 'ana']);
		await settled(g, 'mirror');
		const [{ pid }] = g.processes('witness');
		process.kill(pid, 'SIGSTOP');
		const before = lines(mirror).length;
		for (let i = 0; i < 20; i++) g.cli(['user', 'add', `meanwhile${i}`]); // each is committed and answered
		equal(lines(mirror).length, before, 'lines of one that is stopped');
		// As a rotation does that copies and cuts.
		copyFileSync(mirror, `${mirror}.1`);
		truncateSync(mirror, 0);
		process.kill(pid, 'SIGCONT');
		await settled(g, 'mirror');
		equal(lines(mirror)[0].kind, 'mirror.continued', 'its first line');
		assertWhole(mirror, rows(`${mirror}.1`).length + 1);
		equal(rows(mirror).filter(({ event }) => event === 'user.added').length, 20, 'what happened meanwhile');
		equal(g.cli(['audit', 'verify', `${mirror}.1`, mirror]).verdict, 'intact', 'both');
		// Cut somewhere, half a line and all: what it lost comes again.
		truncateSync(mirror, Math.floor(statSync(mirror).size / 2));
		g.cli(['user', 'add', 'last']);
		await settled(g, 'mirror');
		assertWhole(mirror, rows(`${mirror}.1`).length + 1);
		equal(g.cli(['audit', 'verify', `${mirror}.1`, mirror]).verdict, 'intact', 'after a cut');
	} finally {
		await g.stop();
	}
});

story('a mirror has no hole and no double, whoever is killed', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror });
	try {
		let added = 0;
		for (let round = 0; round < 6; round++) {
			for (let i = 0; i < 5; i++) g.cli(['user', 'add', `user${added++}`]);
			const victim = round % 2 ? 'broker' : 'witness';
			const [{ pid }] = await until(() => { const p = g.processes(victim); return p.length && p; }, victim);
			process.kill(pid, 'SIGKILL');
			if (round === 3) appendFileSync(mirror, '{"kind":"audit.row","sequence":99'); // half a line, as a crash leaves it
			await until(() => g.processes(victim).some((one) => one.pid !== pid), `another ${victim}`);
			await until(() => run(['--data', g.data, 'status']).status === 0, 'an answer');
		}
		g.cli(['user', 'add', 'last']);
		await settled(g, 'mirror');
		const count = assertWhole(mirror);
		equal(count, newest(g), 'all of it');
		equal(g.cli(['audit', 'verify', mirror]).verdict, 'intact', 'verdict');
	} finally {
		await g.stop();
	}
}, { seconds: 120 });

// A gateway with a target, and one session that was seen from outside.
async function seen(settings) {
	const sshd = await Sshd.start();
	const g = await Gateway.start({ 'ticket.lifetime': 300, ...settings });
	g.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	g.sshd = sshd;
	return g;
}
async function session(g, work = async () => {}) {
	const person = await g.person();
	await person.live();
	await person.run('echo shown-$((40+2))');
	await work(person);
	person.type('exit 0\r');
	await person.over();
	await until(async () => (await g.request('GET', `/api/pam/remote/session/${person.token}`, { headers: g.bearer })).json.session.state === 'ended', 'the end');
	return person;
}
const end = async (g) => { await g.stop(); await g.sshd.stop(); };
const verify = (g, what, ...words) => run(['--data', g.data, '--json', ...what.split(' '), 'verify', ...words]);
const verdict = (done) => JSON.parse(done.stdout);

story('rsyslog keeps heads and rows over TLS, and what was cut or changed afterwards is named', async () => {
	if (!Rsyslog.available()) return 'skip: rsyslog and rsyslog-gnutls are not installed';
	const rsyslog = await Rsyslog.start(ca());
	const g = await seen({ 'witness.syslog': `tls://localhost:${rsyslog.port}`, 'witness.authorities': ca().pem });
	try {
		const person = await session(g, (p) => p.run('for i in 1 2 3 4; do echo tick-$i; sleep 0.4; done', 10000));
		await settled(g, 'syslog');
		const kept = path.join(g.data, 'kept');
		await until(() => rsyslog.lines().some((line) => line.includes('"last":true') && line.includes(person.session)), 'the last head');
		copyFileSync(rsyslog.received, kept);
		const text = readFileSync(kept, 'utf8');
		for (const kind of ['audit.row', 'audit.head', 'recording.head'])
			assert(text.includes(`sallyport ${kind} 110 {"kind":"${kind}"`), `${kind} among ${text.slice(0, 300)}`);
		assert(text.includes('"event":"session.ended"'), 'the session');

		// Everything is as it was: it agrees.
		let done = verify(g, 'recording', g.recordingFile(person.session), '--witness', kept);
		equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout + done.stderr);
		assert(verdict(done).witness.agreed >= 4, done.stdout);
		done = verify(g, 'audit', '--witness', kept);
		equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout + done.stderr);

		// A recording cut at a signature passes for a crash, until the witness is asked.
		const whole = readFileSync(g.recordingFile(person.session));
		const short = path.join(g.data, 'short.rec');
		writeFileSync(short, whole.subarray(0, Math.floor(whole.length * 0.5)));
		done = verify(g, 'recording', short);
		equal([done.status, verdict(done).witness], [3, undefined], done.stdout);
		done = verify(g, 'recording', short, '--witness', kept);
		equal(done.status, 3, done.stdout);
		assert(/^cut short after second \d+: the witness saw second \d+$/.test(verdict(done).detail), done.stdout);
		const changed = Buffer.from(whole);
		changed[Math.floor(whole.length / 2)] ^= 1;
		writeFileSync(short, changed);
		done = verify(g, 'recording', short, '--witness', kept);
		equal(done.status, 4, done.stdout);
		assert(/^(chunk|signature after chunk) \d+ altered/.test(verdict(done).detail), done.stdout);

		// The same for the trail: rows taken off its end with their heads, and one that was changed.
		await g.stop({ keep: true });
		const last = Number(g.sql('SELECT max(sequence) FROM audit'));
		g.sql(`DELETE FROM audit WHERE sequence > ${last - 8}; DELETE FROM heads WHERE sequence > ${last - 8};`);
		const cut = Number(g.sql('SELECT max(sequence) FROM heads'));
		g.sql(`DELETE FROM audit WHERE sequence > ${cut}`);
		done = verify(g, 'audit');
		equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout);
		done = verify(g, 'audit', '--witness', kept);
		equal(done.status, 3, done.stdout);
		assert(verdict(done).detail.startsWith(`cut short after row ${cut}: the witness has row `), done.stdout);
		g.sql("UPDATE audit SET actor = 'nobody' WHERE sequence = 7");
		done = verify(g, 'audit', '--witness', kept);
		equal([done.status, verdict(done).broken], [4, 7], done.stdout);
	} finally {
		await end(g);
		await rsyslog.stop();
	}
}, { seconds: 120 });

story('a receiver whose certificate is not right gets nothing', async () => {
	const stranger = new Authority();
	const other = await SyslogReceiver.start({ files: stranger.issue('stranger') });
	const misnamed = await SyslogReceiver.start({ files: ca().issue('misnamed', 'DNS:gate.example') });
	try {
		for (const [receiver, why] of [[other, /certificate: .*(self-signed|issuer)/i], [misnamed, /certificate: .*mismatch/i]]) {
			const g = await Gateway.start({ 'witness.syslog': `tls://localhost:${receiver.port}`, 'witness.authorities': ca().pem });
			try {
				const state = await until(() => { const o = outlet(g, 'syslog'); return o && !o.up && o; }, 'the outlet to be down');
				assert(why.test(state.why), state.why);
				equal(receiver.messages.length, 0, 'messages');
			} finally {
				await g.stop();
			}
		}
	} finally {
		await other.close();
		await misnamed.close();
		stranger.remove();
	}
});

story('CEF events hold the evidence whole', async () => {
	const receiver = await SyslogReceiver.start();
	const g = await Gateway.start({ 'witness.syslog': `tcp://127.0.0.1:${receiver.port}`, 'witness.syslog_form': 'cef' });
	try {
		g.cli(['user', 'add', 'ana', '--name', 'Ana = Lima | \\ é']);
		g.cli(['user', 'add', 'ana'], { expect: 1 });
		await settled(g, 'syslog');
		// Its socket has it; it reads when we wait.
		await until(() => receiver.messages.some((one) => one.includes('NAME_TAKEN')), 'the refusal');
		equal(receiver.faults, [], 'framing');
		const message = receiver.messages.find((one) => one.includes('|user.added|'));
		const [, priority, time, app, kind, event] = message.match(/^<(\d+)>1 (\S+) \S+ (\S+) - (\S+) \[origin software="Sallyport" swVersion="[^"]+"\] (CEF:0\|.*)$/s) ?? [];
		equal([priority, app, kind], ['110', 'sallyport', 'audit.row'], message);
		assert(!Number.isNaN(Date.parse(time)), time);
		assert(/^CEF:0\|Sallyport\|Sallyport\|[^|]+\|user\.added\|user\.added\|3\|rt=\d+ externalId=\d+ suser=administrator:\d+ /.test(event), event);
		assert(receiver.messages.some((one) => /^<108>/.test(one) && /\|6\|.*outcome=failure reason=NAME_TAKEN/.test(one)), 'a refusal');
		const line = JSON.parse(event.slice(event.indexOf('cs1=') + 4).replace(/\\([\\=])/g, '$1'));
		equal(line, rowsOf(g).find((row) => row.sequence === line.sequence), 'the line in it');
		const kept = path.join(g.data, 'kept');
		writeFileSync(kept, receiver.messages.join('\n'));
		const done = verify(g, 'audit', '--witness', kept);
		equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout + done.stderr);
		assert(verdict(done).witness.agreed > 0, done.stdout);
	} finally {
		await g.stop();
		await receiver.close();
	}
});
// The trail as JSON lines have it.
function rowsOf(g) {
	return g.cli(['audit', 'list']).map(({ sequence, at, event, actor, from, object, result, detail, before, hash }) => ({ kind: 'audit.row', sequence,
		time: new Date(at).toISOString(), at: Date.parse(at), event, actor, from, object, result: result === 'ok' ? 0 : result, detail, before, hash }));
}

story('a webhook gets signed deliveries, again until it takes them', async () => {
	const key = 'a key of thirty-two bytes, or so!';
	const receiver = await WebhookReceiver.start(ca().issue('webhook'), key);
	const keyFile = path.join(ca().directory, 'webhook.key.txt');
	writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
	const g = await seen({ 'witness.webhook': `https://localhost:${receiver.port}/take?from=gate`, 'witness.webhook_key': keyFile,
		'witness.authorities': ca().pem });
	try {
		receiver.status = 500;
		const person = await session(g);
		const state = await until(() => { const o = outlet(g, 'webhook'); return o && !o.up && o; }, 'the outlet to be down');
		assert(/status 500/.test(state.why), state.why);
		receiver.status = 204;
		await settled(g, 'webhook');
		equal(receiver.refused, [], 'signatures');
		equal([receiver.bodies[0].method, receiver.bodies[0].url, receiver.bodies[0].headers['content-type']],
			['POST', '/take?from=gate', 'application/x-ndjson'], 'request');
		const kept = path.join(g.data, 'kept');
		writeFileSync(kept, receiver.text);
		await until(() => receiver.text.includes('"last":true'), 'the last head');
		writeFileSync(kept, receiver.text);
		const done = verify(g, 'recording', g.recordingFile(person.session), '--witness', kept);
		equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout + done.stderr);
		const sequences = lines(kept).filter(({ kind }) => kind === 'audit.row').map(({ sequence }) => sequence);
		sequences.forEach((sequence, index) => equal(sequence, sequences[0] + index, 'rows without a hole'));
		// The same over a receiver that was away.
		await receiver.close();
		g.cli(['user', 'add', 'while-away']);
		await until(() => !outlet(g, 'webhook').up, 'the outlet to be down');
		await receiver.listen();
		await until(() => receiver.text.includes('"login":"while-away"') || receiver.text.includes('while-away'), 'what was written meanwhile', 30000);
	} finally {
		await end(g);
		await receiver.close();
	}
}, { seconds: 120 });

story('every signed head goes to a file on another disk', async () => {
	const file = path.join(outside(), 'heads.jsonl');
	const g = await seen({ 'witness.file': file });
	try {
		const person = await session(g);
		await until(() => lines(file).some(({ kind, last }) => kind === 'recording.head' && last), 'the last head');
		await settled(g, 'file');
		equal([...new Set(lines(file).map(({ kind }) => kind))].sort(), ['audit.head', 'recording.head'], 'kinds');
		for (const what of ['audit', 'recording']) {
			const done = verify(g, what, ...(what === 'recording' ? [g.recordingFile(person.session)] : []), '--witness', file);
			equal([done.status, verdict(done).verdict], [0, 'intact'], done.stdout + done.stderr);
		}
		const sealed = await until(() => g.cli(['audit', 'list']).find(({ event }) => event === 'recording.sealed'), 'the recording on record');
		equal(sealed.detail.head, verdict(verify(g, 'recording', g.recordingFile(person.session))).head, 'the head on record');
	} finally {
		await end(g);
	}
});

story('without a required witness no session is created or opened, and no URL is spent', async () => {
	const port = await freePort();
	const g = await seen({ 'witness.syslog': `tcp://127.0.0.1:${port}`, 'witness.required': 'yes', 'witness.within': 5 });
	let receiver;
	try {
		let answer = await g.create();
		equal([answer.status, answer.json.response.message], [503, 'No witness takes the evidence outside'], answer.text);
		receiver = await SyslogReceiver.start({ port });
		const made = await until(async () => { const a = await g.create(); return a.status === 200 && a.json.session; }, 'a session', 20000);
		equal(status(g).enough, true, 'enough');
		await receiver.close();
		await until(() => !status(g).enough, 'the witness to be missed', 20000);
		const { Person } = await import('../lib/person.mjs');
		const person = new Person(g);
		await person.open(made.session_url).then(() => assert(false, 'opened'), (error) => equal(error.status, 503, 'status'));
		await receiver.listen();
		await until(() => status(g).enough, 'the witness', 30000);
		await person.open(made.session_url); // it was not spent
		await person.attach();
		await person.live();
		person.close();
	} finally {
		await end(g);
		await receiver?.close();
	}
}, { seconds: 120 });

story('a witness that is away blocks nobody, and its absence is on record', async () => {
	const port = await freePort();
	const g = await seen({ 'witness.syslog': `tcp://127.0.0.1:${port}` });
	let receiver;
	try {
		await session(g);
		await until(() => g.cli(['audit', 'list']).some(({ event, object }) => event === 'witness.unreachable' && object === 'witness:syslog'), 'the row', 20000);
		// Stopped, not ended: nobody waits for it either.
		const [{ pid }] = g.processes('witness');
		process.kill(pid, 'SIGSTOP');
		await session(g);
		process.kill(pid, 'SIGCONT');
		receiver = await SyslogReceiver.start({ port });
		await settled(g, 'syslog');
		await until(() => g.cli(['audit', 'list']).some(({ event }) => event === 'witness.reached'), 'the row after', 20000);
		await settled(g, 'syslog');
		const got = receiver.messages.filter((one) => one.includes('"kind":"audit.row"')).map((one) => JSON.parse(one.slice(one.indexOf('{'))).sequence);
		const all = new Set(got);
		for (let i = Math.min(...got); i <= newest(g) - 2; i++) assert(all.has(i), `row ${i} was not taken outside`);
	} finally {
		await end(g);
		await receiver?.close();
	}
}, { seconds: 120 });

story('a store that was put back is found out by its mirror', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror });
	try {
		g.cli(['user', 'add', 'ana']);
		await g.stop({ keep: true });
		g.keepStore();
		await g.serve();
		g.cli(['user', 'add', 'rui']);
		await g.stop({ keep: true });
		const had = rows(mirror).at(-1).sequence;
		g.putStoreBack();
		await g.serve();
		g.cli(['user', 'add', 'eva']);
		await until(() => g.cli(['audit', 'list']).some(({ event, object }) => event === 'witness.disagrees' && object === 'witness:mirror'), 'the row', 20000);
		const fork = await until(() => lines(mirror).find(({ kind }) => kind === 'mirror.forked'), 'the line');
		equal(fork.sequence, had, 'what it had');
		const done = verify(g, 'audit', mirror);
		equal(done.status, 4, done.stdout);
		assert(/went back behind/.test(verdict(done).detail), done.stdout);
		equal(verify(g, 'audit', '--witness', mirror).status, 5, 'the store by its mirror');
	} finally {
		await g.stop();
	}
});

story('a sealed vault stops sessions and not the audit trail', async () => {
	const mirror = path.join(outside(), 'audit.jsonl');
	const g = await Gateway.start({ 'audit.mirror': mirror }, { init: ['--passphrase-stdin'], input: 'correct horse battery' });
	try {
		g.cli(['user', 'add', 'ana']);
		await settled(g, 'mirror');
		const sealed = verify(g, 'audit');
		equal([sealed.status, verdict(sealed).verdict], [7, 'unproven'], sealed.stdout);
		assert(lines(mirror).every(({ kind, certificate }) => kind !== 'audit.head' || certificate === null), 'no certificate yet');
		g.cli(['unseal'], { input: 'correct horse battery' });
		await until(() => verify(g, 'audit').status === 0, 'the certificate');
		const unsealed = g.cli(['audit', 'list']).map(({ event }) => event);
		assert(unsealed.indexOf('vault.unsealed') < unsealed.indexOf('broker.certified'), unsealed.join());
		await settled(g, 'mirror');
		equal(verify(g, 'audit', mirror).status, 0, 'the mirror');
	} finally {
		await g.stop();
	}
});

story('removes the authority', async () => authority?.remove());
