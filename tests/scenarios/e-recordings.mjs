// SPDX-License-Identifier: Apache-2.0
// Recordings: whole, readable with the one key, verifiable with none, honest about every wound.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Gateway, build } from '../lib/gateway.mjs';
import { Sshd, isRoot } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

let gateway;
let sshd;
const prepared = async () => {
	if (gateway) return gateway;
	sshd = await Sshd.start();
	gateway = await Gateway.start({ 'ticket.lifetime': 300 });
	gateway.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	return gateway;
};
const stateOf = async (g, token) => (await g.request('GET', `/api/pam/remote/session/${token}`, { headers: g.bearer })).json.session;
const ended = (g, person) => until(async () => (await stateOf(g, person.token)).state === 'ended', 'the session to be ended');

// One session that says something, typed and shown; returns its id.
let one;
async function recorded() {
	if (one) return one;
	const g = await prepared();
	const person = await g.person();
	await person.live();
	await person.run('echo shown-$((40+2))');
	person.resize(100, 30);
	await person.run('seq 1 2000 | tail -n 1');
	person.type('exit 0\r');
	await person.over();
	await ended(g, person);
	one = person.session;
	return one;
}
const verify = (g, file, options = {}) => g.cli(['recording', 'verify', file], options);

story('a recording is listed, verified, exported', async () => {
	const g = await prepared();
	const id = await recorded();
	const [row] = g.cli(['recording', 'list']);
	equal(row.session_id ?? row.id, id, JSON.stringify(row));
	const verdict = verify(g, id);
	equal(verdict.verdict, 'intact', JSON.stringify(verdict));
	const text = g.cli(['recording', 'export', id, '--format', 'text'], { raw: true }).out;
	assert(text.includes('shown-42'), text.slice(0, 500));
	assert(text.includes('echo shown-$((40+2))'), 'typed');
	const cast = g.cli(['recording', 'export', id, '--format', 'asciicast'], { raw: true }).out.trim().split('\n').map((line) => JSON.parse(line));
	equal([cast[0].version, cast[0].width, cast[0].height], [2, 80, 24], 'asciicast header');
	assert(cast.slice(1).every(([time, kind, data]) => typeof time === 'number' && 'oirm'.includes(kind) && typeof data === 'string'), 'events');
	assert(cast.slice(1).every(([time], index, all) => index === 0 || time >= all[index - 1][0]), 'time order');
	assert(cast.slice(1).some(([, kind, data]) => kind === 'r' && data === '100x30'), 'resize');
	assert(cast.slice(1).filter(([, kind]) => kind === 'o').map(([, , data]) => data).join('').includes('shown-42'), 'output');
	const json = JSON.parse(g.cli(['recording', 'export', id, '--format', 'json'], { raw: true }).out);
	assert(JSON.stringify(json).includes('ana'), 'facts');
});

story('a player begins at a keyframe, and nothing is told twice', async () => {
	const g = await Gateway.start({ 'recording.keyframes': 1 });
	try {
		const own = sshd ?? await Sshd.start();
		g.prepare({ device: 'db1', port: own.port, username: own.username, keyFile: own.allow('ed25519') });
		const person = await g.person();
		await person.live();
		await person.run('echo the-begin""ning');
		for (let round = 1; round <= 3; round++) {
			await person.run(`seq ${round * 10000} ${round * 10000 + 3000}`);
			await new Promise((done) => setTimeout(done, 1100)); // the second that lies between two keyframes
		}
		person.type('clear; echo the-""end; exit\r');
		await person.over();
		await ended(g, person);
		equal(verify(g, person.session).verdict, 'intact', 'the recording');
		const { events } = JSON.parse(g.cli(['recording', 'export', person.session, '--format', 'json'], { raw: true }).out);
		const keyframes = events.filter(({ type }) => type === 'KEYFRAME');
		assert(keyframes.length >= 2, `${keyframes.length} keyframes`);
		const cast = g.cli(['recording', 'export', person.session, '--format', 'asciicast'], { raw: true }).out.trim().split('\n').slice(1)
			.map((line) => JSON.parse(line)).filter(([, kind]) => kind === 'o').map(([, , data]) => data).join('');
		equal(cast.match(/^20000\r$/gm)?.length, 1, 'a line of the output, in the export');
		const played = (...words) => g.cli(['recording', 'play', person.session, '--speed', '64', '--longest-pause', '0.01', ...words], { raw: true }).out;
		const [whole, late] = [played(), played('--from', String(Math.ceil(keyframes.at(-1).ms / 1000)))];
		assert(whole.includes('the-beginning') && whole.includes('the-end'), 'all of it');
		assert(!late.includes('the-beginning') && late.includes('the-end'), late);
		assert(!/^10000\r?$/m.test(late) && late.length < whole.length / 2, `${late.length} bytes of ${whole.length}`);
		if (own !== sshd) await own.stop();
	} finally {
		await g.stop();
	}
});

story('verification needs the file and the public key, nothing else', async () => {
	const g = await prepared();
	const id = await recorded();
	const away = path.join(g.data, '..', `away-${process.pid}`);
	mkdirSync(away);
	copyFileSync(g.recordingFile(id), path.join(away, 'one.rec'));
	copyFileSync(path.join(g.data, 'installation.pem'), path.join(away, 'installation.pem'));
	const run = (args) => spawnSync('unshare', isRoot ? ['-n', ...args] : ['-rn', ...args], { encoding: 'utf8', cwd: away });
	const done = run([path.join(build, 'sallyport'), '--data', '/nonexistent', '--json', 'recording', 'verify', 'one.rec', '--certificate', 'installation.pem']);
	equal(done.status, 0, done.stderr);
	equal(JSON.parse(done.stdout).verdict, 'intact', done.stdout);
	rmSync(away, { recursive: true });
});

story('every changed byte is found', async () => {
	const g = await prepared();
	const whole = readFileSync(g.recordingFile(await recorded()));
	const file = path.join(g.data, 'changed.rec');
	const step = Math.max(1, Math.floor(whole.length / 150));
	for (let at = 0; at < whole.length; at += step) {
		const bytes = Buffer.from(whole);
		bytes[at] ^= 1 << (at % 8);
		writeFileSync(file, bytes);
		const { out } = verify(g, file, { raw: true, expect: [1, 4, 6] });
		assert(!/intact/.test(out), `byte ${at} of ${whole.length}: ${out}`);
	}
	writeFileSync(file, whole.subarray(0, Math.floor(whole.length * 0.6)));
	const { out } = verify(g, file, { raw: true, expect: 3 });
	assert(/cut short/.test(out), out);
}, { seconds: 120 });

story('a recording of another installation is not ours', async () => {
	const g = await prepared();
	const other = await Gateway.start();
	try {
		const { out, error } = other.cli(['recording', 'verify', g.recordingFile(await recorded())], { raw: true, expect: 6 });
		assert(!/intact/.test(out + error), out + error);
	} finally {
		await other.stop();
	}
});

story('a killed recorder: verified up to its last whole chunk, playable, and said so', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	await person.run('for i in 1 2 3 4 5 6; do echo tick-$i; sleep 0.4; done', 10000);
	await new Promise((done) => setTimeout(done, 1200));
	process.kill(g.processes('recorder')[0].pid, 'SIGKILL');
	await ended(g, person);
	const { out } = verify(g, person.session, { raw: true, expect: 3 });
	assert(/cut short/.test(out), out);
	equal(g.cli(['recording', 'list']).find((row) => row.session_id === person.session)?.sealed, false, 'listed, not sealed');
	const text = g.cli(['recording', 'export', person.session, '--format', 'text'], { raw: true }).out;
	assert(text.includes('tick-6'), text.slice(-500));
	const next = await until(() => g.person().catch(() => false), 'a session after the crash', 10000);
	await next.live();
	next.close();
});

story('what the recorder cannot write, nobody sees: the disk is full', async () => {
	if (!isRoot) return 'skip: wants to mount a small file system';
	const target = await Sshd.start();
	const g = await Gateway.start();
	const recordings = path.join(g.data, 'recordings');
	await g.stop({ keep: true });
	if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', recordings]).status !== 0) {
		await g.stop();
		await target.stop();
		return 'skip: no mounts here';
	}
	try {
		await g.serve();
		g.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
		const person = await g.person();
		await person.live();
		person.type('head -c 100000000 /dev/urandom | base64\r');
		const end = await person.over();
		assert(/recording|disk/i.test(end.words), JSON.stringify(end));
		await ended(g, person);
		const { out } = g.cli(['recording', 'verify', person.session], { raw: true, expect: 0 });
		assert(/intact/.test(out), out);
		await until(async () => (await g.request('GET', '/healthz')).status === 200, 'the gateway to go on');
	} finally {
		await g.stop({ keep: true });
		spawnSync('umount', [recordings]);
		await g.stop();
		await target.stop();
	}
}, { seconds: 120 });

story('reading a recording is audited', async () => {
	const g = await prepared();
	const id = await recorded();
	g.cli(['recording', 'export', id, '--format', 'text'], { raw: true });
	const rows = g.cli(['audit', 'list', '--limit', '100000']);
	assert(rows.some((row) => /recording\./.test(row.event) && JSON.stringify(row).includes(id.slice(0, 8))), 'no audit line');
});

story('the audit trail verifies, and a changed row is found', async () => {
	const g = await prepared();
	await recorded();
	await g.trailIntact();
	const rows = g.cli(['audit', 'list', '--limit', '100000']);
	rows.forEach((row, index) => equal(row.sequence, index + 1, 'sequence'));
	for (const event of ['token.issued', 'session.created', 'session.redeemed', 'session.attached', 'credential.released', 'session.live', 'session.ended'])
		assert(rows.some((row) => row.event === event), `${event} is missing among ${[...new Set(rows.map((row) => row.event))]}`);
	const actor = g.sql('SELECT actor FROM audit WHERE sequence = 5');
	g.sql("UPDATE audit SET actor = 'nobody' WHERE sequence = 5");
	const done = g.cli(['audit', 'verify'], { raw: true, expect: 4 });
	assert(/^row 5 altered/.test(done.out), done.out + done.error);
	g.sql(`UPDATE audit SET actor = '${actor}' WHERE sequence = 5`);
	await g.trailIntact();
});

story('an idle session adds nothing to its recording', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	await person.run('echo quiet');
	await new Promise((done) => setTimeout(done, 1500));
	const before = statSync(g.recordingFile(person.session)).size;
	await new Promise((done) => setTimeout(done, 4000));
	const growth = statSync(g.recordingFile(person.session)).size - before;
	assert(growth <= 16, `${growth} bytes in 4 s`);
	person.close();
});

story('closes the recording gateway', async () => {
	await gateway.stop();
	await sshd.stop();
	equal(gateway.process.exitCode, 0, gateway.log.slice(-500));
});
