// SPDX-License-Identifier: Apache-2.0
// The store is a server's, and goes away: killed, frozen, cut off, between any two words. What was acknowledged is
// there, what was not is not there by halves, and who is inside of a session does not notice.
import { setTimeout as sleep } from 'node:timers/promises';

import { Gateway, onPostgresql } from '../lib/gateway.mjs';
import { Cluster } from '../lib/postgresql.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';
import { Dice } from '../torture/lib/seed.mjs';
import { Shell } from '../torture/lib/shell.mjs';

const patience = Number(process.env.SALLYPORT_PATIENCE ?? 1);
const settings = { 'telnet.success': '$ ', 'gateway.log_level': 'warning', 'ticket.lifetime': 300 };
const withStore = onPostgresql ? story : () => {};

async function withWorld(work) {
	const cluster = await Cluster.start();
	const shell = await Shell.start();
	const g = await Gateway.start(settings, { cluster });
	// as an installation has it: the other stories wait longer for a machine with much to do
	g.settings({ ...settings, 'gateway.store': g.store, 'gateway.store_wait': 1200 });
	await g.stop({ keep: true });
	await g.serve();
	try {
		g.prepare({ device: 'db1', port: shell.port, protocol: 'TELNET', username: 'root', password: 'first', trust: false });
		await g.token();
		await work({ cluster, g });
	} finally {
		await g.stop();
		await shell.stop();
		await cluster.stop();
	}
}

// Every call while it is away, each in its time; the first may meet the moment of the loss.
async function refused(g, times = 6) {
	for (let i = 0; i < times; i++) {
		const start = Date.now();
		const answer = await g.create();
		const took = Date.now() - start;
		equal(answer.status, 503, `an answer without a database: ${answer.text}`);
		assert(took < 2000 * patience, `503 after ${took} ms`);
		assert(answer.json?.response && Number(answer.headers['retry-after']) > 0, `the envelope: ${JSON.stringify(answer.headers)} ${answer.text}`);
		await sleep(100);
	}
}

const works = (g) => until(async () => (await g.create()).status === 200, 'work to go on by itself', 30000);

const whole = (g, id) => until(() => g.cli(['recording', 'verify', id], { expect: [0, 1, 3] }).out.includes('intact'), 'a recording that is whole');
const says = async (person, word) => {
	person.type(`${word}\r`);
	await until(() => person.text.includes(`heard ${word}`), `the session to live on: ${word}`);
};

// Two are inside. One stays, and one ends while nobody can write it down.
async function outage({ g }, goes, returns) {
	const person = await g.person();
	const other = await g.person();
	await person.live();
	await other.live();
	await goes();
	await refused(g);
	await says(person, 'still');
	other.type('exit\r');
	await other.over();
	await returns();
	await works(g);
	await says(person, 'again');
	const list = () => g.cli(['session', 'list', '--limit', '1000']);
	const row = await until(() => list().find((one) => one.session_id === other.session && one.ended_at), 'the end on record');
	assert(list().find((one) => one.session_id === person.session && !one.ended_at), 'the other goes on');
	assert(/closed|ended/i.test(row.end_reason), `why it ended: ${JSON.stringify(row)}`);
	person.type('exit\r');
	await person.over();
	await whole(g, other.session);
	await whole(g, person.session);
	await g.trailIntact();
}

withStore('the database is killed: 503, sessions live on, and work goes on by itself when it is back', () => withWorld(async (world) =>
	outage(world, () => world.cluster.crash(), () => world.cluster.serve())), { seconds: 120 });

withStore('the database says nothing any more: 503 in time, and the same', () => withWorld(async (world) =>
	outage(world, () => world.cluster.signal('SIGSTOP'), () => world.cluster.signal('SIGCONT'))), { seconds: 120 });

withStore('kill -9 of all its processes at random moments during writes: nothing acknowledged is lost, nothing is half', () =>
	withWorld(async ({ cluster, g }) => {
		const dice = new Dice('database kills');
		const tokens = [], statuses = new Set();
		let on = true;
		const caller = async () => {
			while (on) {
				const answer = await g.create().catch((error) => ({ status: error.code }));
				statuses.add(answer.status);
				if (answer.status === 200) tokens.push(answer.json.session.token);
				else await sleep(20);
			}
		};
		const callers = [1, 2, 3, 4].map(caller);
		for (let kills = 0; kills < 8; kills++) {
			const before = tokens.length;
			await until(() => tokens.length > before + 20, 'some work', 30000);
			await sleep(dice.below(100));
			await cluster.crash();
			await cluster.serve();
		}
		on = false;
		await Promise.all(callers);
		await works(g);
		equal([...statuses].sort(), [200, 503], 'what callers were told');
		for (const token of tokens) {
			const answer = await g.request('GET', `/api/pam/remote/session/${token}`, { headers: g.bearer });
			equal(answer.status, 200, `an acknowledged session: ${answer.text}`);
		}
		const made = Number(g.sql('SELECT count(*) FROM sessions'));
		equal(Number(g.sql('SELECT count(*) FROM tickets')), made, 'tickets of as many sessions');
		equal(Number(g.sql("SELECT count(*) FROM audit WHERE event = 'session.created'")), made, 'rows of the trail for as many sessions');
		assert(tokens.length < made + 1, `${tokens.length} acknowledged of ${made}`);
		await g.trailIntact();
	}), { seconds: 180 });

withStore('a second gateway on the same database is refused', () => withWorld(async ({ cluster, g }) => {
	const why = await Gateway.start({ 'gateway.store': g.store }, { cluster }).then(() => 'it started', (error) => error.message);
	assert(/Another gateway works on this store/.test(why), why);
	equal((await g.create()).status, 200, 'the first goes on');
}), { seconds: 120 });
