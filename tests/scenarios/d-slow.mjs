// SPDX-License-Identifier: Apache-2.0
// People who are slower than their target, or come when the beginning is gone: the target is not
// slowed, the recording has every byte, and what they see in the end is the true screen.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { FRAME, Person } from '../lib/person.mjs';
import { differences, feed, state, terminal } from '../lib/screen.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const PACE = 16 * 1024; // bytes that are taken at a time
const FLOOD = 30e6; // bytes
const PACE_PAUSE = 16; // ms: a megabyte a second

let gateway;
let sshd;
async function prepared() {
	if (gateway) return gateway;
	sshd = await Sshd.start();
	gateway = await Gateway.start({ 'ticket.lifetime': 300 });
	gateway.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	return gateway;
}

// What the page does with the stream, without the page: web/viewer/screen.ts.
class Eyes {
	constructor(person) {
		Object.assign(this, { person, columns: person.columns, rows: person.rows, awaits: null, skipped: 0, skips: 0, people: 0, told: [],
			drawn: Promise.resolve() });
		this.terminal = terminal(this.columns, this.rows);
		person.onFrame = (type, payload) => this.take(type, payload);
	}

	draw(bytes) { this.drawn = feed(this.terminal, Buffer.from(bytes)); }

	take(type, payload) {
		if (type === FRAME.WELCOME) this.awaits = payload[13] === 1 ? null : 0;
		if (type === FRAME.SKIPPED) this.skip(payload);
		if (type === FRAME.JOIN) this.people++;
		if (type === FRAME.LEAVE) this.people--;
		if (type === FRAME.TOLD) this.told.push(payload.toString());
		if (type === FRAME.KEYFRAME && payload[4] === this.awaits) {
			if (this.awaits === 0) this.terminal = terminal(payload.readUInt16LE(0), payload.readUInt16LE(2));
			this.awaits = payload[4] + 1 < payload[5] ? this.awaits + 1 : null;
			this.draw(payload.subarray(8));
		}
		if (type === FRAME.TEXT) {
			assert(this.awaits === null, 'what does not continue the screen begins with a keyframe');
			this.draw(payload);
		}
		if (type === FRAME.SIZE) this.terminal.resize(payload.readUInt16LE(0), payload.readUInt16LE(2));
	}

	async sees(words, milliseconds) {
		await until(async () => {
			await this.drawn;
			const { buffer: { active }, rows } = this.terminal;
			return Array.from({ length: rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true))
				.some((line) => line?.includes(words));
		}, `${words} on the screen`, milliseconds);
	}

	skip(payload) {
		const bytes = Number(payload.readBigUInt64LE(8));
		this.people = payload.readUInt32LE(16);
		if (bytes === 0) return;
		this.person.offset = this.person.acknowledged = payload.readBigUInt64LE(0);
		this.skips++;
		this.skipped += bytes;
		this.awaits = 0;
	}

	// Says that it has drawn no more than a megabyte a second.
	slowly() {
		const { person } = this;
		person.acknowledge = false;
		person.acknowledged = person.offset;
		this.timer = setInterval(() => {
			const [offset, next] = [person.offset, person.acknowledged + BigInt(PACE)];
			person.acknowledged = next < offset ? next : offset;
			person.acknowledgeNow(person.acknowledged);
		}, PACE_PAUSE);
		this.timer.unref();
	}

	quickly() {
		clearInterval(this.timer);
		this.person.acknowledge = true;
		this.person.acknowledgeNow();
	}
}

// What all bytes of the stream come to, as the recording has them.
async function recorded(g, person) {
	await until(async () => (await g.request('GET', `/api/pam/remote/session/${person.token}`, { headers: g.bearer })).json
		.session.state === 'ended', 'the session to be ended');
	equal(g.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
	const [header, ...events] = g.cli(['recording', 'export', person.session, '--format', 'asciicast'], { raw: true }).out.trim()
		.split('\n').map((line) => JSON.parse(line));
	const all = terminal(header.width, header.height);
	let bytes = 0;
	for (const [, kind, data] of events) {
		if (kind === 'o') await feed(all, data);
		if (kind === 'r') all.resize(...data.split('x').map(Number));
		bytes += kind === 'o' ? Buffer.byteLength(data) : 0;
	}
	return { terminal: all, bytes };
}

// The end of the shell is drawn too, by everybody; then all screens are those of the whole stream.
async function endsTheSame(g, person, everybody, least) {
	everybody[0].quickly();
	person.type('\rprintf "\\033[2;2H"; exit\r');
	for (const eyes of everybody) {
		await eyes.person.over();
		await eyes.drawn;
	}
	const all = await recorded(g, person);
	assert(all.bytes > least, `${all.bytes} bytes in the recording`);
	for (const eyes of everybody) equal(differences(state(eyes.terminal), state(all.terminal)), [], 'the screen in the end');
}

story('a flood: the slow person is shown its end, the target runs free', async () => {
	const g = await prepared();
	const log = path.join(sshd.directory, 'log');
	writeFileSync(log, 'Jan 01 00:00:00 host service[123]: a line like many others\n'.repeat(FLOOD / 60));
	const person = await g.person();
	const eyes = new Eyes(person);
	await person.live();
	await person.run('echo ready');
	eyes.slowly();
	person.type(`cat ${log}; echo fin""ished\r`);
	await eyes.sees('finished', 60000);
	assert(person.bytes < FLOOD / 2, `${person.bytes} bytes came of ${FLOOD}`);
	assert(eyes.skips > 0 && eyes.skipped > FLOOD / 2, `${eyes.skips} skips, ${eyes.skipped} bytes`);
	equal(eyes.people, 1, 'people');
	person.type('printf "\\033[1;31mr""ed\\033[m\\033[3;9r\\033[5;20H"; read x\r');
	await eyes.sees('red', 10000);
	await endsTheSame(g, person, [eyes], FLOOD);
}, { seconds: 120 });

story('somebody who comes when the beginning is gone sees the screen, not its middle', async () => {
	const g = await prepared();
	const person = await g.person();
	const eyes = new Eyes(person);
	await person.live();
	const early = person.offset;
	person.type('seq 1 400000; tput smcup; printf "\\033[4;4H\\033[44mhe""re\\033[?2004h"; read x\r');
	await eyes.sees('here', 30000);
	const [late, back] = ['late', 'back'].map(() => Object.assign(new Person(g), { keys: person.keys, cookie: person.cookie,
		session: person.session }));
	const others = [late, back].map((one) => new Eyes(one));
	await late.attach();
	await others[0].sees('here', 10000);
	await back.attach({ offset: early });
	await others[1].sees('here', 10000);
	for (const one of [late, back]) {
		equal(one.welcome.complete, false, 'what is gone is said to be gone');
		assert(one.bytes < 100000, `${one.bytes} bytes`);
	}
	equal(others.map(({ people }) => people), [3, 3], 'people');
	equal(others.map(({ awaits, terminal: { buffer } }) => [awaits, buffer.active.type]), Array(2).fill([null, 'alternate']), 'screens');
	await endsTheSame(g, person, [eyes, ...others], 2e6);
}, { seconds: 90 });

story('closes the slow gateway', async () => {
	await gateway?.stop();
	await sshd?.stop();
});
