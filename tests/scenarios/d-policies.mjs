// SPDX-License-Identifier: Apache-2.0
// Which credential a session gets, on which device, with whose secret, and when it may not have it.
import { Gateway } from '../lib/gateway.mjs';
import { Sshd, Telnetd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

let gateway;
let sshd;
const prepared = async () => {
	if (gateway) return gateway;
	sshd = await Sshd.start();
	gateway = await Gateway.start({ 'ticket.lifetime': 300, 'session.login_timeout': 10, 'api.credential_required': 'no', 'session.most_per_user': 99 });
	gateway.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	await gateway.token();
	return gateway;
};
const events = (g, event) => g.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === event);
const detail = (row) => (typeof row.detail === 'string' ? JSON.parse(row.detail) : row.detail);
const refused = (answer, message) => equal([answer.status, answer.json.response.message], [400, message], answer.text);
const drop = async (g, session) => equal((await g.request('DELETE', `/api/pam/remote/session/${session.token}`, { headers: g.bearer })).status, 200, 'drop');

// An authorization that covers these alone; what follows is asked with it.
async function covering(g, name, accounts) {
	g.cli(['application', 'add', name]);
	await g.token(g.cli(['authorization', 'add', '--application', name, '--resource', 'web-proxy-session:rw',
		...accounts.flatMap((account) => ['--credential', account])]));
}

story('without a credential one is chosen, and calls at the same moment never get the same', async () => {
	const g = await prepared();
	const accounts = ['pool1', 'pool2', 'pool3'];
	for (const username of accounts) g.credential({ device: 'db1', username, password: 'x' });
	g.credential({ device: 'db1', username: 'poolkey', keyFile: sshd.allow('ed25519') }); // a key is never chosen
	g.credential({ device: 'db1', username: 'pool-foreign', password: 'x' }); // not covered
	await covering(g, 'pool', [...accounts, 'poolkey'].map((username) => `${username}@db1`));
	g.cli(['policy', 'add', 'pool', '--simultaneous-sessions', 'no', '--username-mask', 'pool?']);
	const answers = await Promise.all(Array.from({ length: 24 }, () => g.create({ credential: undefined })));
	const good = answers.filter((answer) => answer.status === 200);
	equal(good.length, 3, JSON.stringify(answers.map((answer) => answer.status)));
	for (const answer of answers.filter((one) => one.status !== 200)) refused(answer, 'No eligible credential');
	const chosen = events(g, 'session.created').map((row) => detail(row).username).filter((name) => name.startsWith('pool'));
	equal(chosen.sort(), accounts, 'each once');
	// named, it says why; when the session ends it is free again
	refused(await g.create({ credential: 'pool2' }), 'Credential already in use');
	await Promise.all(good.map((answer) => drop(g, answer.json.session)));
	equal((await g.create({ credential: 'pool2' })).status, 200, 'free again');
	const named = await Promise.all(Array.from({ length: 24 }, () => g.create({ credential: 'pool1' })));
	equal(named.filter((answer) => answer.status === 200).length, 1, 'one of those that name it');
});

story('a domain credential reaches a device of its domain, by id, address and name, and nothing else', async () => {
	const g = await prepared();
	// the named device has no SSH server at all: nobody may go there
	g.cli(['device', 'add', 'dc1', '--ip', '192.0.2.1', '--connectivity', 'SSH:22', '--domain', 'corp']);
	const fs1 = g.cli(['device', 'add', 'fs1', '--ip', '127.0.0.2', '--connectivity', `SSH:${sshd.port}`, '--domain', 'CORP']);
	g.cli(['device', 'add', 'lab1', '--ip', '127.0.0.1', '--connectivity', `SSH:${sshd.port}`, '--domain', 'lab']);
	const key = sshd.allow('ed25519');
	g.cli(['credential', 'add', '--device', 'dc1', '--username', sshd.username, '--domain', 'corp', '--ssh-key-file', key]);
	await covering(g, 'corp', [`${sshd.username}@dc1`]);
	const change = { device: 'dc1', credential: sshd.username };
	refused(await g.create(change), 'Remote device not specified');
	for (const remotedevice of ['nowhere', '192.0.2.99', 'lab1', '999', '127.0.0.1', 'db1'])
		refused(await g.create({ ...change, remotedevice }), 'Remote device not found');
	refused(await g.create({ ...change, remotedevice: 'fs1', port: 22 }), 'Invalid port'); // dc1's, not its own
	for (const remotedevice of [String(fs1.id), Number(fs1.id), 'FS1', '127.0.0.2']) {
		equal((await g.create({ ...change, remotedevice })).status, 200, String(remotedevice));
		const created = detail(events(g, 'session.created').at(-1));
		equal([created.device, created.address, created.port, created.credential_device], ['fs1', '127.0.0.2', sshd.port, 'dc1'], 'on record');
	}
});

story('what is reached proves itself by its own pins: SSH', async () => {
	const g = await prepared();
	g.cli(['device', 'add', 'dc2', '--ip', '192.0.2.2', '--connectivity', 'SSH:22', '--domain', 'sea']);
	const at = g.cli(['device', 'add', 'fs2', '--ip', '127.0.0.1', '--connectivity', `SSH:${sshd.port}`, '--domain', 'sea']);
	g.cli(['credential', 'add', '--device', 'dc2', '--username', sshd.username, '--domain', 'sea', '--ssh-key-file', sshd.allow('ed25519')]);
	await covering(g, 'sea', [`${sshd.username}@dc2`]);
	const change = { device: 'dc2', credential: sshd.username, remotedevice: 'fs2' };
	const session = await g.session(change);
	const unpinned = await g.person(change).then((person) => person.over().then((end) => end.words ?? JSON.stringify(end)), (error) => error.message);
	assert(/not pinned/.test(unpinned), unpinned);
	g.cli(['device', 'trust', 'fs2', '--yes']);
	const person = await g.person({ ...change, remotedevice: at.id });
	await person.live();
	equal((await person.run('echo $((6*7))')).includes('42'), true, 'echo');
	person.type('exit\r');
	await person.over();
	const state = await until(async () => {
		const answer = await g.request('GET', `/api/pam/remote/session/${person.token}`, { headers: g.bearer });
		return answer.json.session.receipt && answer.json.session;
	}, 'its receipt');
	const { device, address, port } = JSON.parse(state.receipt.text);
	equal([device, address, port], ['fs2', '127.0.0.1', sshd.port], 'what was reached');
	await drop(g, session);
});

story('what is reached logs in with the domain credential: Telnet', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const g = await prepared();
	const account = makeAccount();
	const target = await Telnetd.start();
	try {
		g.cli(['device', 'add', 'dc3', '--ip', '192.0.2.3', '--connectivity', 'TELNET:23', '--domain', 'old']);
		g.cli(['device', 'add', 'fs3', '--ip', '127.0.0.1', '--connectivity', `TELNET:${target.port}`, '--domain', 'old']);
		g.cli(['credential', 'add', '--device', 'dc3', '--username', account.name, '--domain', 'old', '--password-stdin'], { input: account.password });
		await covering(g, 'old', [`${account.name}@dc3`]);
		const person = await g.person({ device: 'dc3', credential: account.name, protocol: 'telnet', remotedevice: 'fs3' });
		await person.live();
		equal((await person.run('id -un')).includes(account.name), true, 'who');
		person.type('exit\r');
		await person.over();
	} finally {
		await target.stop();
		account.remove();
	}
});

story('a child logs in under its own name with its parent\'s secret; another one may log in for a third', async () => {
	const g = await prepared();
	g.cli(['device', 'add', 'vault1', '--ip', '192.0.2.4', '--connectivity', 'SSH:22']);
	g.credential({ device: 'vault1', username: 'parent', keyFile: sshd.allow('ed25519') });
	g.cli(['device', 'add', 'app1', '--ip', '127.0.0.1', '--connectivity', `SSH:${sshd.port}`]);
	g.cli(['device', 'trust', 'app1', '--yes']);
	g.cli(['credential', 'add', '--device', 'app1', '--username', sshd.username, '--parent', 'parent@vault1']);
	g.credential({ device: 'app1', username: 'nobody-there', password: 'x' });
	g.cli(['credential', 'edit', '--device', 'app1', '--username', 'nobody-there', '--connect-as', `${sshd.username}@app1`]);
	await covering(g, 'family', [`${sshd.username}@app1`, 'nobody-there@app1']);
	for (const credential of [sshd.username, 'nobody-there']) {
		const person = await g.person({ device: 'app1', credential });
		await person.live();
		equal((await person.run('id -un')).includes(sshd.username), true, credential);
		const created = detail(events(g, 'session.created').at(-1));
		equal([created.username, Boolean(created.secret_of), created.login], [credential, true, credential === sshd.username ? undefined : sshd.username], 'on record');
		person.type('exit\r');
		await person.over();
	}
	// no chains; and whoever disables the parent ends what runs with its secret
	const chain = g.cli(['credential', 'edit', '--device', 'vault1', '--username', 'parent', '--parent', `${sshd.username}@app1`], { expect: 1 });
	assert(/cannot/.test(chain.error), chain.error);
	const person = await g.person({ device: 'app1', credential: 'nobody-there' });
	await person.live();
	g.cli(['credential', 'disable', '--device', 'vault1', '--username', 'parent']);
	await person.over();
	refused(await g.create({ device: 'app1', credential: sshd.username }), '1008: Credential inactive');
});

story('protocols and hours, when a session is asked for and when its URL is opened', async () => {
	const g = await prepared();
	g.credential({ device: 'db1', username: 'timed', keyFile: sshd.allow('ed25519') });
	await covering(g, 'timed', ['timed@db1']);
	g.cli(['policy', 'add', 'timed', '--zone', 'Europe/Lisbon', '--priority', '5']);
	g.cli(['policy', 'assign', 'timed', '--credential', 'timed@db1']);
	const change = { credential: 'timed' };
	const early = await g.session(change);
	// every hour of the week but this one and the next
	const lisbon = (plus) => new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Lisbon', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
		.format(new Date(Date.now() + plus * 3600000));
	g.cli(['policy', 'edit', 'timed', '--hours', `${lisbon(1)}-${lisbon(-1)}`]);
	refused(await g.create(change), 'Credential not allowed at this time');
	const { Person } = await import('../lib/person.mjs');
	const late = await new Person(g).open(early.session_url).then(() => 'opened', (error) => error.message);
	assert(late !== 'opened', late);
	const state = (await g.request('GET', `/api/pam/remote/session/${early.token}`, { headers: g.bearer })).json.session;
	equal(state.state, 'ended', JSON.stringify(state));
	g.cli(['policy', 'edit', 'timed', '--hours', `${lisbon(-1)}-${lisbon(1)}`]);
	await drop(g, await g.session(change));
	g.cli(['credential', 'edit', '--device', 'db1', '--username', 'timed', '--protocols', 'TELNET']);
	refused(await g.create(change), 'Invalid protocol');
	const [policy] = g.cli(['policy', 'list']).filter((row) => row.name === 'timed');
	equal([policy.zone, policy.priority, policy.days], ['Europe/Lisbon', 5, 'all'], 'as it is listed');
});

story('users: held back with the documented words, and so many sessions at once', async () => {
	const g = await prepared();
	g.cli(['user', 'add', 'eva']);
	await g.token();
	const change = { user: 'eva', credential: sshd.username };
	g.cli(['user', 'edit', 'eva', '--sessions', '2']);
	await g.session(change);
	const second = await g.session(change);
	refused(await g.create(change), 'Session limit reached');
	await drop(g, second);
	equal((await g.create(change)).status, 200, 'one ended');
	g.cli(['user', 'edit', 'eva', '--sessions', 'default', '--blocked', 'yes']);
	const answer = await g.create(change);
	assert(/^Error\. User has been prevented to start sessions by administrator on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(answer.json.response.message), answer.text);
	g.cli(['user', 'edit', 'eva', '--blocked', 'no']);
	equal((await g.create(change)).status, 200, 'released');
});

story('closes the gateway of the policies', async () => {
	await gateway?.stop();
	await sshd?.stop();
});
