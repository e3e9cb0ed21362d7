// SPDX-License-Identifier: Apache-2.0
// A session URL opens once, for one person, from where it may; nothing else spends it.
import { webcrypto } from 'node:crypto';

import { Gateway } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { Sshd } from '../lib/targets.mjs';
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
const refused = (work) => work.then(() => { throw new Error('was not refused'); }, (error) => error);

story('of many who open one URL at once exactly one wins, ten times', async () => {
	const g = await prepared();
	for (let round = 0; round < 10; round++) {
		const { session_url } = await g.session();
		const answers = await Promise.all(Array.from({ length: 40 }, () => {
			const person = new Person(g);
			return person.open(session_url).then(() => person, (error) => error.status);
		}));
		const winners = answers.filter((answer) => answer instanceof Person);
		equal(winners.length, 1, `winners of round ${round}`);
		equal(answers.filter((answer) => answer === 410).length, 39, 'the rest');
		equal((await refused(new Person(g).open(session_url))).status, 410, 'afterwards');
		await winners[0].attach();
		winners[0].send(0x44);
		await winners[0].over();
	}
}, { seconds: 120 });

story('looking at a URL does not spend it', async () => {
	const g = await prepared();
	const { session_url } = await g.session();
	const target = session_url.slice(g.base.length);
	for (const method of ['GET', 'HEAD', 'GET'])
		equal((await g.request(method, target, { headers: { Purpose: 'prefetch', 'User-Agent': 'Slackbot-LinkExpanding 1.0' } })).status, 200, method);
	await g.request('OPTIONS', target);
	const page = await g.request('GET', target);
	assert(/^text\/html/.test(page.headers['content-type']) && /no-store/.test(page.headers['cache-control']), 'page');
	await new Person(g).open(session_url);
});

story('unknown, spent and expired look the same', async () => {
	const g = await prepared();
	const { session_url } = await g.session();
	await new Person(g).open(session_url);
	const spent = await refused(new Person(g).open(session_url));
	const unknown = await refused(new Person(g).open(session_url.replace(/=.{20}/, '=AAAAAAAAAAAAAAAAAAAA')));
	const garbage = await refused(new Person(g).open(`${g.base}/modulos/auth?_sr=x`));
	equal([spent.status, unknown.status], [410, 410], 'status');
	equal(unknown.text, spent.text, 'body');
	assert(garbage.status === 410 || garbage.status === 400, 'garbage');
});

story('a URL dies after its time', async () => {
	const g = await Gateway.start({ 'ticket.lifetime': 5 });
	try {
		g.prepare({ device: 'db1', port: 1, username: 'root', password: 'x', trust: false });
		const { session_url, token } = await g.session();
		await new Promise((done) => setTimeout(done, 5500));
		equal((await refused(new Person(g).open(session_url))).status, 410, 'late');
		await until(async () => (await g.request('GET', `/api/pam/remote/session/${token}`, { headers: g.bearer })).json.session.state === 'ended',
			'the unopened session to be ended', 15000);
	} finally {
		await g.stop();
	}
});

story('another site cannot open it for someone', async () => {
	const g = await prepared();
	const { session_url } = await g.session();
	for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' },
		{ Origin: `${g.base}.evil.example` }, { Origin: '' }]) {
		const answer = await refused(new Person(g).open(session_url, headers));
		assert(answer.status >= 400 && answer.status !== 410, `${JSON.stringify(headers)}: ${answer.status}`);
	}
	await new Person(g).open(session_url);
});

story('a pinned address opens and attaches, another does neither and spends nothing', async () => {
	const g = await prepared();
	const session = await g.session({ remoteAddr: '127.0.0.5' });
	equal((await refused(new Person(g, { localAddress: '127.0.0.1' }).open(session.session_url))).status, 410, 'another address');
	const person = new Person(g, { localAddress: '127.0.0.5' });
	await person.open(session.session_url);
	person.localAddress = '127.0.0.6';
	await refused(person.attach());
	person.localAddress = '127.0.0.5';
	await person.attach();
	await person.live();
	person.close();
	const rows = g.cli(['audit', 'list', '--limit', '10000']);
	assert(rows.some((row) => /refused/.test(row.event) && row.from === '127.0.0.1'), 'the refusal is audited');
});

story('the cookie without the key is nothing, the key without the cookie is nothing', async () => {
	const g = await prepared();
	const person = new Person(g);
	await person.open((await g.session()).session_url);
	const cookie = person.opened.headers['set-cookie'][0];
	for (const part of ['__Host-', 'Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']) assert(cookie.includes(part), `${part} in ${cookie}`);
	const thief = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
	await refused(person.attach({ keys: thief }));
	await refused(person.attach({ cookie: '' }));
	await refused(person.attach({ cookie: `${person.cookie.split('=')[0]}=${'0'.repeat(64)}` }));
	await refused(person.attach({ origin: 'https://evil.example' }));
	await refused(person.attach({ session: '0'.repeat(40) }));
	await person.attach();
	await person.live();
	person.close();
});

story('two sessions in one browser do not disturb each other', async () => {
	const g = await prepared();
	const one = await g.person();
	const two = await g.person();
	assert(one.cookie.split('=')[0] !== two.cookie.split('=')[0], 'cookie names');
	await Promise.all([one.live(), two.live()]);
	await refused(one.attach({ session: two.session }));
	one.close();
	two.close();
});

story('closes the ticket gateway', async () => {
	await gateway.stop();
	equal(gateway.process.exitCode, 0, gateway.log.slice(-500));
	await sshd.stop();
});
