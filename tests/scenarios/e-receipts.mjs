// SPDX-License-Identifier: Apache-2.0
// The receipt of a session: what an application gets when it is over, and can prove to others.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, build, root } from '../lib/gateway.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

async function gateway() {
	const sshd = await Sshd.start();
	const g = await Gateway.start({ 'ticket.lifetime': 300 });
	g.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	g.sshd = sshd;
	return g;
}
const end = async (g) => { await g.stop(); await g.sshd.stop(); };
const show = async (g, token) => (await g.request('GET', `/api/pam/remote/session/${token}`, { headers: g.bearer })).json;
const shown = async (g, token) => (await show(g, token))?.session?.receipt; // nothing either while a broker starts
const receipt = (g, token) => until(() => shown(g, token).catch(() => undefined), 'the receipt', 20000);
const text = (one) => JSON.parse(one.text);
const verifyRecording = (g, id) => g.cli(['recording', 'verify', g.recordingFile(id)]);

// Somebody else, somewhere else: a directory with nothing but what was handed over.
class Outsider {
	constructor(g) {
		this.directory = mkdtempSync(path.join(tmpdir(), 'outsider-'));
		writeFileSync(this.path('installation.pem'), g.certificate());
	}
	path(name) { return path.join(this.directory, name); }
	verify(object, ...words) {
		writeFileSync(this.path('receipt.json'), JSON.stringify(object));
		const done = spawnSync(path.join(build, 'sallyport'), ['--json', 'receipt', 'verify', this.path('receipt.json'),
			'--certificate', this.path('installation.pem'), ...words], { encoding: 'utf8', cwd: this.directory, env: {} });
		return { status: done.status, ...(done.stdout && JSON.parse(done.stdout)), error: done.stderr };
	}
	gone() { rmSync(this.directory, { recursive: true, force: true }); }
}

async function live(g) {
	const person = await g.person();
	await person.live();
	await person.run('echo shown-$((40+2))');
	return person;
}

story('a session that is over has a receipt, and its file alone proves it', async () => {
	const g = await gateway();
	const outsider = new Outsider(g);
	try {
		const person = await live(g);
		equal((await show(g, person.token)).session.receipt, null, 'while it lives');
		equal(/it has not ended/.test(g.cli(['session', 'receipt', person.session], { expect: 1 }).error), true, 'nor for an administrator');
		person.type('exit 3\r');
		await person.over();
		const answer = await until(async () => { const a = await show(g, person.token); return a.session.receipt && a; }, 'the receipt');
		const one = answer.session.receipt;
		equal(Object.keys(one), ['text', 'signature', 'key', 'trail', 'certificate'], 'fields');
		const says = text(one);
		const sealed = verifyRecording(g, person.session);
		equal([says.receipt, says.tenant, says.session_id, says.user, says.application, says.device, says.protocol, says.port, says.username,
			says.from, says.why, says.exit_status], [1, 'Test', person.session, 'ana', 'portal', 'db1', 'ssh', g.sshd.port, g.sshd.username,
			'127.0.0.1', 'ordinary', 3], one.text);
		for (const [before, after] of [['created', 'opened'], ['opened', 'live'], ['live', 'ended'], ['ended', 'made']])
			assert(Date.parse(says[before]) <= Date.parse(says[after]), `${before} ${after}: ${one.text}`);
		equal([says.recording.id, says.recording.sealed, says.recording.head, says.recording.file_bytes],
			[person.session, true, sealed.head, readFileSync(g.recordingFile(person.session)).length], 'the recording');
		assert(says.inputs >= 2 && says.input_bytes >= 'exit 3\r'.length && says.output_bytes > says.input_bytes, one.text);
		// The trail knows the row that the receipt names.
		const row = g.cli(['audit', 'list']).find(({ sequence }) => sequence === says.audit.row);
		equal([row.hash, row.event, row.detail.head], [says.audit.hash, 'recording.sealed', sealed.head], 'its row');
		equal(g.cli(['session', 'receipt', person.session]), one, 'by the command line');
		equal((await show(g, person.token)).session.receipt, one, 'it stays as it is');

		// Outside, with the gateway gone.
		const other = await live(g);
		other.type('exit 0\r');
		await other.over();
		await receipt(g, other.token);
		const files = Object.fromEntries([['its', person], ['another', other]].map(([name, { session }]) => {
			writeFileSync(outsider.path(name), readFileSync(g.recordingFile(session)));
			return [name, outsider.path(name)];
		}));
		await g.stop({ keep: true });
		let said = outsider.verify(one);
		equal([said.status, said.verdict, said.receipt], [0, 'genuine', says], said.error);
		equal(outsider.verify(answer).status, 0, 'the whole answer');
		// The page's own lines say the same, of this one and of one that was changed.
		const page = readFileSync(path.join(root, 'docs/formats/receipt.md'), 'utf8').match(/^```sh\n(.*?)^```$/ms)[1];
		for (const [object, status] of [[one, 0], [{ ...one, text: one.text.replace('ana', 'eva') }, 1],
			[{ ...one, trail: one.trail.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, 1]]) {
			writeFileSync(outsider.path('receipt.json'), JSON.stringify(object));
			const done = spawnSync('sh', ['-c', page], { cwd: outsider.directory, encoding: 'utf8' });
			equal(done.status, status, `by hand: ${done.stdout}${done.stderr}`);
		}
		said = outsider.verify(one, '--recording', files.its);
		equal([said.status, said.recording.verdict], [0, 'intact'], said.error);
		said = outsider.verify(one, '--recording', files.another);
		equal([said.status, said.recording.verdict], [5, 'disagrees'], said.error);
		const cut = readFileSync(files.its);
		writeFileSync(files.its, cut.subarray(0, cut.length - 100));
		equal(outsider.verify(one, '--recording', files.its).status, 3, 'cut short');
		said = outsider.verify({ ...one, text: one.text.replace('"user":"ana"', '"user":"eva"') });
		equal([said.status, said.verdict, said.receipt], [4, 'altered', null], said.error);
		equal(outsider.verify({ ...one, certificate: null }).status, 7, 'without a certificate');
		const stranger = await Gateway.start();
		writeFileSync(outsider.path('installation.pem'), stranger.certificate());
		await stranger.stop();
		said = outsider.verify(one);
		equal([said.status, said.verdict, said.receipt], [6, 'not certified', null], said.error);
	} finally {
		outsider.gone();
		await end(g);
	}
}, { seconds: 120 });

story('a session that nobody opened, or that was ended from outside, has one that says so', async () => {
	const g = await gateway();
	try {
		const unopened = await g.session();
		equal((await g.request('DELETE', `/api/pam/remote/session/${unopened.token}`, { headers: g.bearer })).status, 200, 'ended');
		const says = text(await receipt(g, unopened.token));
		equal([says.why, says.opened, says.live, says.recording, says.output_bytes, says.inputs],
			['SESSION_DROPPED', null, null, null, null, null], JSON.stringify(says));
		const person = await live(g);
		g.cli(['session', 'end', person.session, 'too late for work']);
		await person.over();
		const ended = text(await receipt(g, person.token));
		equal([ended.why, ended.reason, ended.recording.sealed], ['SESSION_DROPPED', 'too late for work', true], JSON.stringify(ended));
	} finally {
		await end(g);
	}
});

story('whoever dies meanwhile, a session gets its receipt, and it tells the truth', async () => {
	const g = await gateway();
	const outsider = new Outsider(g);
	const killed = async (...names) => {
		const pids = names.map((name) => g.processes(name)[0].pid);
		pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
		return () => until(() => names.every((name, i) => g.processes(name).some(({ pid }) => pid !== pids[i])), `another ${names}`);
	};
	try {
		for (let round = 0; round < 4; round++) {
			const person = await live(g);
			person.type('exit 0\r');
			if (round % 2) await person.over(); // the broker dies before, or while it writes
			const back = await killed('broker');
			await person.over();
			await back();
			const one = await receipt(g, person.token);
			const says = text(one);
			equal([says.why, says.recording.sealed, says.recording.head], ['ordinary', true, verifyRecording(g, person.session).head], one.text);
			// The broker that signed it may be so new that nobody has certified its key yet.
			await until(() => outsider.verify(g.cli(['session', 'receipt', person.session])).status === 0, 'a certified receipt');
		}
		// With the recorder too nobody knows how it went on.
		const person = await live(g);
		const back = await killed('broker', 'recorder');
		await back();
		const one = await receipt(g, person.token);
		const says = text(one);
		assert(['GATEWAY_RESTARTED', 'RECORDER_DIED', 'WORKER_DIED'].includes(says.why), one.text);
		equal([says.recording.id, says.recording.sealed, says.recording.head, says.output_bytes], [person.session, false, null, null], one.text);
	} finally {
		outsider.gone();
		await end(g);
	}
}, { seconds: 120 });
