// SPDX-License-Identifier: Apache-2.0
// The power goes at a random moment of a busy gateway's life, and with it any part of what the disk had not
// flushed. Whatever was acknowledged before is on the disk that is found afterwards.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Gateway, freePort } from '../../lib/gateway.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { hooked } from '../lib/hooked.mjs';
import { Life, command } from '../lib/life.mjs';
import { RememberingDisk } from '../lib/power.mjs';
import { Dice, most } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const SYNC_MS = 1000; // what a recording may lack
const LONGEST_MS = 60000; // a busy machine lets nobody in for a while
const NEWEST = 8; // recordings looked at after each cut: what is older lies still
const settings = { 'ticket.lifetime': 300, 'telnet.success': '$ ', 'gateway.log_level': 'error' };
const NO_DISK = 'skip: wants root, /dev/fuse and loop devices';

class World {
	static async start(name, { programs, life: options = {} } = {}) {
		const disk = await RememberingDisk.start();
		if (!disk) return undefined;
		const world = Object.assign(new World(), { disk, dice: new Dice(name), shell: await Shell.start() });
		const data = path.join(disk.place, 'data');
		mkdirSync(data);
		world.gateway = await Gateway.start(settings, { data, programs });
		world.life = new Life(world.gateway, world.shell, world.dice, { position: () => disk.position(), ...options });
		world.life.prepare();
		await world.gateway.token();
		world.prepared = disk.position();
		return world;
	}

	// Somebody saw something so long ago that it has to be in the recording.
	wordIsDue() {
		const { people, gone = [] } = this.life;
		return [...people, ...gone].some(({ markers = [] }) => markers.some(({ at }) => at < Date.now() - 2 * SYNC_MS));
	}

	// People come and go, and everything else goes on: for so long, or until somebody saw something.
	async live(seconds) {
		const { life } = this;
		const end = Date.now() + seconds * 1000;
		life.start();
		while (Date.now() < end || (!this.wordIsDue() && Date.now() < end + LONGEST_MS)) {
			const person = await life.visit();
			await sleep(this.dice.between(100, 600));
			if (life.people.length > 3) {
				const [oldest] = life.people;
				oldest.send(0x44);
				await oldest.over();
				life.leave(oldest);
			}
			assert(person, 'a person');
		}
		await life.stop();
		life.end();
		await this.gateway.stop({ keep: true });
		await this.disk.close();
	}

	// Ascending: half anywhere in the history, half right behind an acknowledgement.
	points(count) {
		const ends = this.disk.entries().map((entry) => entry.end).filter((end) => end > this.prepared);
		const acks = this.life.acks.map((ack) => ack.position);
		return Array.from({ length: count }, (_, at) => (at % 2 ? this.dice.one(acks) : this.dice.one(ends))).sort((a, b) => a - b);
	}

	async end() {
		this.life.on = false;
		this.life.end();
		await this.gateway?.stop({ keep: true });
		await this.shell?.stop();
		this.disk.end();
	}
}

// Files that stand for no live session may be anything: the power went while they were made.
function checkRecordings(world, data, position) {
	const live = world.life.acks.filter((ack) => ack.kind === 'live' && ack.position <= position).map((ack) => ack.session);
	const releases = existsSync(path.join(data, 'vault', 'releases.log')) ? readFileSync(path.join(data, 'vault', 'releases.log'), 'utf8') : '';
	for (const session of live.slice(-NEWEST)) {
		const file = path.join(data, 'recordings', `${session}.rec`);
		assert(existsSync(file), `the recording of ${session} is gone`);
		const { out } = world.gateway.cli(['recording', 'verify', file, '--certificate', path.join(data, 'installation.pem')], { expect: null });
		assert(['intact', 'cut'].includes(JSON.parse(out).verdict), `${session}: ${out}`);
		assert(releases.includes(session), `the release for ${session} is not in the vault's log`);
	}
	return Math.min(live.length, NEWEST);
}

// The whole gateway on what is left: it starts, opens its vault, and reads back what people saw.
async function startAgain(world, data, position, ms) {
	const { life, gateway } = world;
	const { data: first, port, host, base } = gateway;
	const all = life.acks;
	gateway.data = data;
	try {
		gateway.port = await freePort(); // somebody else may have ours meanwhile
		gateway.host = `localhost:${gateway.port}`;
		gateway.base = `https://${gateway.host}`;
		gateway.settings(settings);
		await gateway.serve();
		life.acks = all.filter((ack) => ack.position <= position);
		const known = life.acks.length;
		life.position = () => 0;
		await life.checkPassword();
		life.acks.length = known;
		let read = 0;
		for (const person of life.gone.filter((one) => one.markers?.length)) {
			const due = person.markers.filter((marker) => marker.position <= position && marker.at < ms - SYNC_MS);
			if (due.length === 0) continue;
			const text = await command(gateway, ['recording', 'export', person.session, '--format', 'text']);
			for (const { word } of due) assert(text.includes(word), `${person.session}: ${word} was shown a second before, and is not recorded`);
			read += due.length;
		}
		return read;
	} finally {
		life.acks = all;
		await gateway.stop({ keep: true });
		Object.assign(gateway, { data: first, port, host, base });
	}
}

// Every so many points, the last one among them, also the whole gateway is started on what is left.
async function examine(world, count, whole = 10) {
	const seen = { points: 0, acks: 0, recordings: 0, words: 0 };
	for (const person of world.life.people) world.life.leave(person);
	await world.disk.cuts(world.points(count), world.dice, async (place, position, ms) => {
		const data = path.join(place, 'data');
		const acks = world.life.acks.filter((ack) => ack.position <= position);
		seen.acks += world.life.check(data, acks).acks;
		const kept = world.gateway.data;
		world.gateway.data = data;
		try {
			equal(world.gateway.cli(['audit', 'verify']).verdict, 'intact', 'the audit trail');
			seen.recordings += checkRecordings(world, data, position);
		} finally {
			world.gateway.data = kept;
		}
		if ((count - 1 - seen.points++) % whole === 0) seen.words += await startAgain(world, data, position, ms);
	});
	return seen;
}

story('after a power cut at any moment everything acknowledged is there', async () => {
	const world = await World.start('power');
	if (!world) return NO_DISK;
	try {
		await world.live(most(4, 20));
		const seen = await examine(world, most(100, 1000));
		console.log(`     ${seen.points} cuts, ${seen.acks} acknowledgements, ${seen.recordings} recordings, ${seen.words} words read back`);
		assert(seen.words > 0, 'no word was old enough to be due');
	} finally {
		await world.end();
	}
}, { seconds: 3600 });

// The control: commits that are not synced, as WAL with synchronous=NORMAL leaves them, are known to lose rows. They
// must be found out, or the trial proves nothing.
story('a store whose commits are not synced is found out', async () => {
	const control = hooked();
	control.set({ sync_nothing: 1 });
	const world = await World.start('power control', { programs: control.directory, life: { administrate: false } });
	if (!world) {
		control.end();
		return NO_DISK;
	}
	try {
		world.life.start();
		await until(() => world.life.acks.length > 100, 'acknowledgements', 120000);
		await world.life.stop();
		world.life.end();
		await world.gateway.stop({ keep: true });
		await world.disk.close();
		const failure = await examine(world, 200, Infinity).then(() => undefined, (error) => error);
		assert(failure && /is lost|audit rows|was opened|state of session|no such table|unable to open database/.test(failure.message), `found: ${failure?.message ?? 'nothing'}`);
	} finally {
		await world.end();
		control.end();
	}
}, { seconds: 300 });
