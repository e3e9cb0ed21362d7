// SPDX-License-Identifier: Apache-2.0
// The wall clock goes back and forward, a little and a lot, while the gateway runs and while it does not. Order is
// by sequence, jumps are on record, and nothing lives longer for it: a URL that expired never opens again.
import { Gateway } from '../../lib/gateway.mjs';
import { FRAME, Person } from '../../lib/person.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { alive, hooked } from '../lib/hooked.mjs';
import { Shell } from '../lib/shell.mjs';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const settings = { 'telnet.success': '$ ', 'gateway.log_level': 'error' };

class World {
	static async start() {
		const world = Object.assign(new World(), { control: hooked(), shell: await Shell.start(), wall: 0, machine: 0 });
		world.gateway = await Gateway.start(settings, { programs: world.control.directory });
		world.gateway.prepare({ device: 'db1', port: world.shell.port, protocol: 'TELNET', username: 'root', password: 'x', trust: false });
		assert(alive(world.control, 'broker'), 'no hooks in the broker');
		return world;
	}

	jump(ms) {
		this.control.set({ clock_ms: (this.wall += ms) });
	}

	// Time goes by, and nobody has to wait for it.
	pass(ms) {
		this.control.set({ machine_ms: (this.machine += ms) });
		this.jump(ms);
	}

	jumps() {
		return this.gateway.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === 'clock.jumped').map((row) => row.detail);
	}

	async onRecord(count) {
		return until(() => this.jumps().length >= count && this.jumps(), `${count} jumps on record`);
	}

	async opens(session) {
		const person = new Person(this.gateway);
		return person.open(session.session_url).then(() => true, (error) => {
			equal(error.status, 410, error.message);
			return false;
		});
	}

	async works() {
		const person = await this.gateway.person();
		await person.live();
		person.send(FRAME.END);
		await person.over();
	}

	async end() {
		await this.gateway.stop();
		await this.shell.stop();
		this.control.end();
	}
}

story('jumps of the clock are on record, and nothing else happens', async () => {
	const world = await World.start();
	try {
		const { gateway } = world;
		const person = await gateway.person();
		await person.live();
		const to2038 = Date.UTC(2038, 0, 20) - Date.now();
		const moves = [HOUR, -HOUR, -HOUR, 1500, -1500, HOUR, to2038, -to2038];
		for (const [index, move] of moves.entries()) {
			world.jump(move);
			const jumps = await world.onRecord(index + 1);
			equal(jumps.length, index + 1, 'jumps on record');
			assert(Math.abs(jumps.at(-1).by_ms - move) < 500, `a jump of ${move} was seen as ${jumps.at(-1).by_ms}`);
			await gateway.token();
			await world.works();
			person.type(`after ${index}\r`);
			await person.shows(`heard after ${index}`);
		}
		world.jump(400);
		await world.works();
		world.jump(-400);
		equal(world.jumps().length, moves.length, 'jumps under a second are none');
		person.send(FRAME.END);
		await person.over();
		const rows = gateway.cli(['audit', 'list', '--limit', '100000']);
		rows.forEach((row, index) => equal(row.sequence, index + 1, 'the sequence'));
		assert(rows.some((row, index) => index > 0 && row.at < rows[index - 1].at), 'the times went back');
		await gateway.trailIntact();
		await until(() => gateway.cli(['session', 'show', person.session]).recorded, 'the recording to be sealed');
		equal(gateway.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
	} finally {
		await world.end();
	}
});

story('a URL lives its time, half a second more is too much, and it never comes back', async () => {
	const world = await World.start();
	try {
		const { gateway } = world;
		for (const move of [0, HOUR, -HOUR]) {
			const [early, late, stale] = [await gateway.session(), await gateway.session(), await gateway.session()];
			world.jump(move);
			world.pass(29.5 * SECOND);
			assert(await world.opens(early), `half a second before its time, after a jump of ${move}`);
			world.pass(SECOND);
			assert(!await world.opens(late), `half a second after its time, after a jump of ${move}`);
			world.jump(-HOUR);
			assert(!await world.opens(stale), 'after the clock went back an hour');
			await gateway.token();
		}
		await world.works();
	} finally {
		await world.end();
	}
});

story('an access token lives its time whatever the clock does', async () => {
	const world = await World.start();
	try {
		const { gateway } = world;
		const status = async () => (await gateway.request('GET', '/api/pam/remote/session/0', { headers: gateway.bearer })).status;
		for (const move of [0, HOUR, -HOUR]) {
			await gateway.token();
			world.jump(move);
			world.pass(3598 * SECOND);
			assert(await status() !== 401, `before its time, after a jump of ${move}`);
			world.pass(4 * SECOND);
			equal(await status(), 401, `after its time, after a jump of ${move}`);
		}
	} finally {
		await world.end();
	}
});

story('a gateway that starts in the past trusts nothing that was made in the future', async () => {
	const world = await World.start();
	try {
		const { gateway } = world;
		const session = await gateway.session();
		const before = gateway.bearer;
		await gateway.stop({ keep: true });
		world.jump(-2 * HOUR);
		await gateway.serve();
		assert(!await world.opens(session), 'a URL of the future');
		gateway.bearer = before;
		equal((await gateway.create()).status, 401, 'a token of the future');
		await gateway.token();
		await world.works();
		const [jump] = await world.onRecord(1);
		assert(jump.seen === 'at the start' && Math.abs(jump.by_ms + 2 * HOUR) < 10 * SECOND, JSON.stringify(jump));
		await gateway.trailIntact();
	} finally {
		await world.end();
	}
});
