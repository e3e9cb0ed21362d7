// SPDX-License-Identifier: Apache-2.0
// Two gateways on one PostgreSQL: what is made on one opens on the other, once; what is ended or withdrawn on one
// ends on the other; each has a trail of its own; and one that is gone takes nothing with it but its sessions.
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import OAuth from 'oauth-1.0a';

import { Gateway, onPostgresql } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';
import { family } from '../torture/lib/life.mjs';
import { Shell } from '../torture/lib/shell.mjs';

const patience = Number(process.env.SALLYPORT_PATIENCE ?? 1);
const settings = { 'telnet.success': '$ ', 'gateway.log_level': 'warning', 'ticket.lifetime': 300, 'node.lease': 15 };
const withNodes = onPostgresql ? story : () => {};
const WITHIN = 2000;

let world;
async function two() {
	if (world) return world;
	const shell = await Shell.start();
	const a = await Gateway.start({ ...settings, 'node.name': 'alpha' });
	a.prepare({ device: 'db1', port: shell.port, protocol: 'TELNET', username: 'root', password: 'first', trust: false });
	const b = await Gateway.start({ ...settings, 'node.name': 'beta' }, { beside: a });
	await a.token();
	Object.assign(b, { bearer: a.bearer, request_body: a.request_body, keys: a.keys });
	world = { shell, a, b };
	return world;
}

// Made on A, opened on B.
async function across({ a, b }, change) {
	const session = await a.session(change);
	const person = new Person(b);
	await person.open(session.session_url);
	await person.attach();
	await person.live();
	person.token = session.token;
	return person;
}

async function ends(person, work, reason) {
	const start = Date.now();
	await work();
	await person.over();
	assert(Date.now() - start < WITHIN * patience, `it ended after ${Date.now() - start} ms`);
	assert(reason.test(person.ended.words), `the reason: ${JSON.stringify(person.ended)}`);
}

const row = (g, id) => g.cli(['session', 'list', '--limit', '1000']).find((one) => one.session_id === id);

withNodes('a URL that was made on one node opens on the other, exactly once', async () => {
	const w = await two();
	const session = await w.a.session();
	const people = [w.a, w.b, w.a, w.b, w.a, w.b].map((g) => new Person(g));
	const answers = await Promise.all(people.map((one) => one.open(session.session_url).then(() => 200, (error) => error.status)));
	equal(answers.sort(), [200, 410, 410, 410, 410, 410], 'who opened it');
	const winner = people.find((one) => one.opened.status === 200);
	await winner.attach();
	await winner.live();
	winner.type('exit\r');
	await winner.over();
	for (const g of [w.a, w.b]) await until(() => row(g, winner.session).ended_at, 'its end in both lists');
});

withNodes('a token holds on both', async () => {
	const { a, b } = await two();
	equal((await b.request('POST', '/api/pam/remote/session', { headers: a.bearer, body: a.request_body })).status, 200, "a token of A's");
});

withNodes('a client that guesses is slowed down on both', async () => {
	const { a, b } = await two();
	const guess = (g) => g.request('POST', '/iso/oauth2/token', { ...g.form({ grant_type: 'client_credentials',
		client_id: 'c0ffee', client_secret: 'wrong' }), localAddress: '127.0.0.9' });
	for (let i = 0; i < 12; i++) await guess(a);
	await until(async () => (await guess(b)).status === 429, 'the other node to refuse it too');
});

withNodes('a signed request counts once, on whichever node', async () => {
	const { a, b } = await two();
	a.cli(['application', 'add', 'signing', '--auth', 'oauth1']);
	const keys = a.cli(['authorization', 'add', '--application', 'signing', '--resource', 'web-proxy-session:rw', '--credential', 'root@db1']);
	const client = new OAuth({ consumer: { key: keys.consumer_key, secret: keys.consumer_secret }, signature_method: 'HMAC-SHA1',
		hash_function: (base, key) => createHmac('sha1', key).update(base).digest('base64') });
	const target = '/api/pam/remote/session';
	// both are reached by one name, as behind one balancer
	const signed = client.toHeader(client.authorize({ url: `${a.base}${target}`, method: 'POST' }, { key: keys.token_key, secret: keys.token_secret }));
	const ask = (g) => g.request('POST', target, { headers: { ...signed, Host: a.host }, body: g.request_body });
	const answers = [(await ask(a)).status, (await ask(b)).status];
	equal(answers, [200, 401], 'the same request twice');
});

withNodes('list, state, end and DELETE on one reach a session that lives on the other', async () => {
	const w = await two();
	const first = await across(w);
	assert(row(w.a, first.session).ended_at === null || !row(w.a, first.session).ended_at, 'A lists it');
	const state = await w.a.request('GET', `/api/pam/remote/session/${first.token}`, { headers: w.a.bearer });
	equal(state.status, 200, state.text);
	await ends(first, () => w.a.cli(['session', 'end', first.session, 'Enough for today']), /Enough for today/);
	const second = await across(w);
	await ends(second, async () => equal((await w.a.request('DELETE', `/api/pam/remote/session/${second.token}`,
		{ headers: w.a.bearer })).status, 200, 'DELETE'), /disconnected/);
	for (const one of [first, second]) await until(() => row(w.a, one.session).ended_at, 'the end on record');
	equal(w.b.sql('SELECT count(*) FROM endings'), '0', 'nothing is left to be ended');
});

withNodes('user, application and credential disabled on one: their sessions on the other end within two seconds', async () => {
	const w = await two();
	const { a } = w;
	for (const [off, on] of [[['user', 'disable', 'ana'], ['user', 'enable', 'ana']],
		[['application', 'disable', 'portal'], ['application', 'enable', 'portal']],
		[['credential', 'disable', '--device', 'db1', '--username', 'root'], ['credential', 'enable', '--device', 'db1', '--username', 'root']]]) {
		const person = await across(w);
		await ends(person, () => a.cli(off), /./);
		a.cli(on);
	}
});

withNodes('each node appends to its own trail; one is verified, or all', async () => {
	const { a, b } = await two();
	await a.trailIntact();
	await b.trailIntact();
	const all = await until(() => {
		const said = a.cli(['audit', 'verify', '--node', 'all'], { raw: true, expect: [0, 7] }).out;
		return /alpha: intact/.test(said) && /beta: intact/.test(said) && said;
	}, 'both trails to be intact');
	assert(all, 'both');
	for (const g of [a, b]) g.cli(['audit', 'list', '--limit', '100000']).forEach((one, index) => equal(one.sequence, index + 1, 'sequence'));
	const actor = a.sql('SELECT actor FROM audit WHERE sequence = (1::bigint << 40) + 3');
	a.sql("UPDATE audit SET actor = 'nobody' WHERE sequence = (1::bigint << 40) + 3");
	assert(/row 3 altered/.test(a.cli(['audit', 'verify', '--node', 'beta'], { raw: true, expect: 4 }).out), "a changed row of B's trail");
	await a.trailIntact();
	a.sql(`UPDATE audit SET actor = '${actor}' WHERE sequence = (1::bigint << 40) + 3`);
	await b.trailIntact();
});

withNodes('the root key is rotated by one that is alone', async () => {
	const { a } = await two();
	assert(/Other gateways on this store/.test(a.cli(['vault', 'rotate'], { raw: true, expect: null }).error), 'why not');
});

withNodes('a vault that is sealed on one node ends the sessions of that node', async () => {
	const w = await two();
	const there = await across(w);
	const here = await across({ a: w.a, b: w.a });
	w.a.cli(['seal', '--end-sessions']);
	await here.over();
	await says(there, 'unsealed');
	w.a.cli(['unseal']);
	there.type('exit\r');
	await there.over();
});

withNodes('a node of a name that is there already is refused', async () => {
	const { a } = await two();
	const why = await Gateway.start({ ...settings, 'node.name': 'alpha' }, { beside: a }).then(() => 'it started', (error) => error.message);
	assert(/there is a gateway of that name/.test(why), why);
});

withNodes('a node that is gone: its sessions are its own until its lease is over, then they are lost', async () => {
	const w = await two();
	const person = await across(w);
	w.b.process.kill('SIGSTOP'); // as a machine goes: all at once
	for (const { pid } of family(w.b)) process.kill(pid, 'SIGKILL');
	w.b.process.kill('SIGKILL');
	await w.b.exited;
	await w.a.stop({ keep: true });
	await w.a.serve();
	assert(!row(w.a, person.session).ended_at, 'a restart of A says nothing of it');
	const lost = await until(() => { const one = row(w.a, person.session); return one.ended_at && one; }, 'the lease to be over', 60000);
	assert(/lost/.test(lost.end_reason), JSON.stringify(lost));
	assert(w.a.cli(['audit', 'list', '--limit', '100000']).some((one) => one.event === 'node.lost' && one.object === 'node:beta'), 'a row of it');
	await w.b.serve();
	const again = await across(w);
	await says(again, 'back');
	again.type('exit\r');
	await again.over();
	await w.a.trailIntact();
	await w.b.trailIntact();
}, { seconds: 120 });

async function says(person, word) {
	person.type(`${word}\r`);
	await until(() => person.text.includes(`heard ${word}`), `an answer to ${word}`);
}

withNodes('a node that was away for longer than its lease ends what it still had', async () => {
	const w = await two();
	const person = await across(w);
	const pids = w.b.processes('broker').map((one) => one.pid);
	for (const pid of pids) process.kill(pid, 'SIGSTOP');
	await until(() => row(w.a, person.session).ended_at, 'the lease to be over', 60000);
	for (const pid of pids) process.kill(pid, 'SIGCONT');
	await person.over();
	await until(async () => (await w.b.create()).status === 200, 'the node to work again', 30000);
	await w.b.trailIntact();
}, { seconds: 120 });

withNodes('closes both nodes', async () => {
	await world.a.stop();
	await world.b.stop();
	await world.shell.stop();
	await sleep(0);
});
