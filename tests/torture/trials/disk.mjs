// SPDX-License-Identifier: Apache-2.0
// The disk is full before a session, at its start and in the middle; the store is locked by another process, read-only,
// or slow. What cannot be kept is refused with the reason and ended on record, nothing piles up, and the gateway is
// itself again when the disk is.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway } from '../../lib/gateway.mjs';
import { Person } from '../../lib/person.mjs';
import { assert, endWith, equal, story, until } from '../../lib/story.mjs';
import { alive, hooked } from '../lib/hooked.mjs';
import { Life } from '../lib/life.mjs';
import { Dice } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const settings = { 'ticket.lifetime': 300, 'telnet.success': '$ ', 'gateway.log_level': 'warning' };

class World {
	static async start(name, { disk, programs } = {}) {
		const world = Object.assign(new World(), { shell: await Shell.start() });
		if (disk) {
			world.place = mkdtempSync(path.join(tmpdir(), 'sallyport-disk-'));
			if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${disk},mode=0755`, 'tmpfs', world.place]).status !== 0) {
				await world.shell.stop();
				return undefined;
			}
		}
		world.gateway = await Gateway.start(settings, { data: world.place, programs });
		world.life = new Life(world.gateway, world.shell, new Dice(name), { administrate: false });
		world.life.prepare();
		await world.gateway.token();
		return world;
	}

	// Takes every byte there is. empty() gives them back.
	fill() {
		this.filler = path.join(this.place, 'filler');
		const fd = openSync(this.filler, 'a');
		for (let size = 1 << 20; size >= 1; size >>= 1)
			for (;;)
				try {
					writeSync(fd, Buffer.alloc(size));
				} catch {
					break;
				}
		closeSync(fd);
	}

	empty() {
		unlinkSync(this.filler);
	}

	// Calls until one is refused: the log still has room for some. Returns that answer.
	refusal() {
		return until(async () => {
			const answer = await this.gateway.create();
			return answer.status !== 200 && answer;
		}, 'a refusal', 20000);
	}

	events(name) {
		return this.gateway.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === name);
	}

	async wellAgain() {
		const person = await until(() => this.life.visit().catch(() => false), 'sessions to work again', 30000);
		await this.life.say(person);
		person.send(0x44);
		await person.over();
		this.life.leave(person);
		await until(async () => (await this.gateway.create()).status === 200, 'calls to be answered');
		await this.gateway.trailIntact();
		this.life.check();
	}

	async end() {
		this.life.end();
		await this.gateway.stop({ keep: true });
		await this.shell.stop();
		if (this.place) spawnSync('umount', ['-l', this.place]);
		rmSync(this.gateway.data, { recursive: true, force: true });
	}
}

story('a full disk: refused with the reason, ended on record, well again by itself', async () => {
	const world = await World.start('disk full', { disk: '64m' });
	if (!world) return 'skip: wants to mount a small file system';
	try {
		const { gateway, life } = world;
		const running = [await life.visit(), await life.visit()];
		const waiting = await gateway.session();
		world.fill();
		const answer = await world.refusal();
		equal(answer.status, 503, answer.text);
		assert(/disk|full|recording/i.test(answer.text), answer.text);
		const from = Date.now();
		await Promise.all(running.map((person) => until(() => person.ended, 'the running sessions to end', 10000)));
		const took = Date.now() - from;
		assert(took < 4000, `running sessions ended after ${took} ms`);
		for (const person of running) assert(/disk|full|recording/i.test(person.ended.words), JSON.stringify(person.ended));
		// Another URL, made before: not spent for nothing.
		const refused = await new Person(gateway).open(waiting.session_url).then(() => ({ status: 200 }), (error) => error);
		equal(refused.status, 503, 'opening on a full disk');
		// Reading goes on, the vault's answers too.
		equal(gateway.cli(['status']).vault.sealed, false, 'the vault');
		equal((await gateway.request('GET', `/api/pam/remote/session/${waiting.token}`, { headers: gateway.bearer })).status, 200, 'reading');
		for (const person of running) {
			await until(() => gateway.cli(['session', 'show', person.session]).state === 'ended', 'the end to be on record');
			equal(gateway.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
			life.leave(person);
		}
		const ends = world.events('session.ended').filter((row) => /full|recording/i.test(row.detail.reason));
		equal(ends.length, 2, 'ends on the audit trail, written from the reserve');
		equal((await world.refusal()).status, 503, 'still full');
		world.empty();
		await world.wellAgain();
		const late = new Person(gateway);
		await late.open(waiting.session_url);
	} finally {
		await world.end();
	}
}, { seconds: 120 });

story('a disk that fills while a session writes: ended within two seconds, its recording whole', async () => {
	const world = await World.start('disk fills', { disk: '64m' });
	if (!world) return 'skip: wants to mount a small file system';
	try {
		const { life } = world;
		const [person, other] = [await life.visit(), await life.visit()];
		await life.say(person);
		world.fill();
		const from = Date.now();
		person.type('flood 3000000\r');
		await until(() => person.ended, 'the session to end', 10000);
		const took = Date.now() - from;
		assert(took < 4000, `ended after ${took} ms`);
		assert(/disk|full|recording/i.test(person.ended.words), JSON.stringify(person.ended));
		const heard = person.markers[0].word;
		await until(() => world.gateway.cli(['session', 'show', person.session]).state === 'ended', 'the end to be on record');
		world.empty();
		equal(world.gateway.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
		const { out } = world.gateway.cli(['recording', 'export', person.session, '--format', 'text'], { raw: true });
		assert(out.includes(heard), 'what was shown before is recorded');
		for (const one of [person, other]) {
			life.leave(one);
			one.close();
		}
		await world.wellAgain();
	} finally {
		await world.end();
	}
}, { seconds: 120 });

story('a gateway starts on a full disk, from what it kept for that', async () => {
	const world = await World.start('disk start', { disk: '64m' });
	if (!world) return 'skip: wants to mount a small file system';
	try {
		const { gateway } = world;
		await gateway.stop({ keep: true });
		world.fill();
		await gateway.serve();
		equal((await world.refusal()).status, 503, 'a call');
		equal(gateway.cli(['status']).vault.sealed, false, 'the vault');
		world.empty();
		await world.wellAgain();
	} finally {
		await world.end();
	}
}, { seconds: 120 });

// Another process that writes to the store, for as long as it is wanted.
async function lockedBy(world) {
	const other = endWith(spawn('sqlite3', ['-interactive', world.life.store()], { stdio: ['pipe', 'pipe', 'pipe'] }));
	let said = '';
	other.stdout.on('data', (text) => (said += text));
	other.stdin.write("BEGIN IMMEDIATE;\nSELECT 'holding' || ' it';\n");
	await until(() => said.includes('holding it'), 'the lock');
	return async () => {
		const gone = new Promise((done) => other.on('exit', done));
		other.stdin.end('ROLLBACK;\n.quit\n');
		await gone;
	};
}

story('a locked store: two seconds, then 503, and nobody waits behind the others', async () => {
	const world = await World.start('disk locked');
	try {
		const { gateway, life } = world;
		const person = await life.visit();
		const release = await lockedBy(world);
		const from = Date.now();
		const timed = async () => {
			const { status } = await gateway.create();
			return { status, ms: Date.now() - from };
		};
		const answers = await Promise.all(Array.from({ length: 40 }, () => timed()));
		equal([...new Set(answers.map(({ status }) => status))], [503], 'answers');
		const slowest = Math.max(...answers.map(({ ms }) => ms));
		assert(slowest < 6000, `the slowest of 40 waited ${slowest} ms`);
		await life.say(person); // who is in a session does not notice
		await release();
		await world.wellAgain();
	} finally {
		await world.end();
	}
}, { seconds: 120 });

story('a store that cannot be written, and one that takes its time', async () => {
	const control = hooked();
	const world = await World.start('disk read-only', { programs: control.directory });
	try {
		const { gateway, life } = world;
		assert(alive(control, 'broker'), 'no hooks in the broker');
		const person = await life.visit();
		control.failCall('broker', 'write', 1, 'EROFS', true);
		equal((await world.refusal()).status, 503, 'a call');
		equal((await gateway.request('GET', '/healthz')).status, 200, 'health');
		control.set({ call_at: 0 }, 'broker');
		await world.wellAgain();
		control.set({ sync_delay_ms: 1500 });
		const from = Date.now();
		const answers = await Promise.all(Array.from({ length: 60 }, () => gateway.create()));
		control.set({ sync_delay_ms: 0 });
		const took = Date.now() - from;
		equal(answers.filter(({ status }) => status !== 200).length, 0, 'refused by a slow disk');
		// One commit carries all that wait: a few syncs, not sixty.
		assert(took < 10000, `60 calls took ${took} ms`);
		await world.wellAgain();
		life.leave(person);
	} finally {
		await world.end();
		control.end();
	}
}, { seconds: 120 });
