// SPDX-License-Identifier: Apache-2.0
// Real targets: logins of every kind, keys that must match, sessions that come back and sessions that end.

import { readFileSync } from 'node:fs';
import net from 'node:net';

import { Gateway, freePort } from '../lib/gateway.mjs';
import { FRAME } from '../lib/person.mjs';
import { Dropbear, Sshd, Telnetd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

let gateway;
let sshd;
const prepared = async () => {
	if (gateway) return gateway;
	sshd = await Sshd.start();
	gateway = await Gateway.start({ 'ticket.lifetime': 300, 'session.login_timeout': 10 });
	gateway.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	return gateway;
};
const stateOf = async (g, token) =>
	(await g.request('GET', `/api/pam/remote/session/${token}`, { headers: g.bearer })).json.session;
const events = (g) => g.cli(['audit', 'list', '--limit', '100000']);

// A second way to the same machine: another device with its own credential.
async function way(g, { device, port, protocol = 'SSH', username, password, keyFile, trust = true }) {
	g.cli(['device', 'add', device, '--ip', '127.0.0.1', '--connectivity', `${protocol}:${port}`]);
	if (trust) g.cli(['device', 'trust', device, '--protocol', protocol, '--yes']);
	g.credential({ device, username, password, keyFile });
	g.cli(['application', 'add', `for-${device}`]);
	const keys = g.cli(['authorization', 'add', '--application', `for-${device}`, '--resource', 'web-proxy-session:rw',
		'--credential', `${username}@${device}`]);
	const before = g.bearer;
	await g.token(keys);
	const mine = g.bearer;
	g.bearer = before;
	return async (options) => {
		const kept = g.bearer;
		g.bearer = mine;
		try {
			return await g.person({ device, credential: username, protocol: protocol.toLowerCase() }, options);
		} finally {
			g.bearer = kept;
		}
	};
}

// A session can be over before its page attaches: then the attach is refused with the same words.
async function howItEnds(open) {
	try {
		return await (await open()).over();
	} catch (error) {
		if (!/^refused: /.test(error.message)) throw error;
		return { why: -1, words: error.message.slice(9) };
	}
}

story('a shell: type, see, resize, exit status', async () => {
	const g = await prepared();
	const person = await g.person({}, { columns: 100, rows: 30 });
	await person.live();
	equal((await person.run('echo $((6*7))')).includes('42'), true, 'echo');
	equal((await person.run('stty size')).includes('30 100'), true, 'size at the start');
	person.resize(132, 43);
	await new Promise((done) => setTimeout(done, 200));
	equal((await person.run('stty size')).includes('43 132'), true, 'size after the resize');
	equal((await person.run('echo $TERM')).includes('xterm-256color'), true, 'terminal type');
	equal(/SSH_AUTH_SOCK=.|DISPLAY=./.test(await person.run('env')), false, 'nothing forwarded');
	equal((await stateOf(g, person.token)).state, 'live', 'state');
	const [ps] = g.processes('worker-ssh');
	assert(/session \d+ ana -> db1 \[live\]/.test(ps.args), ps.args);
	person.type('exit 3\r');
	const end = await person.over();
	equal(end.exit, 3, JSON.stringify(end));
	const state = await until(async () => { const s = await stateOf(g, person.token); return s.state === 'ended' && s; }, 'ended');
	assert(state.recording_id || state.recording, JSON.stringify(state));
});

for (const [type, bits] of [['rsa', 3072], ['ecdsa', 256], ['ecdsa', 521], ['ed25519', undefined]]) {
	story(`logs in with a key the worker never has: ${type} ${bits ?? ''}`, async () => {
		const g = await prepared();
		const open = await way(g, { device: `key-${type}-${bits ?? 0}`, port: sshd.port, username: sshd.username, keyFile: sshd.allow(type, bits) });
		const person = await open();
		await person.live();
		equal((await person.run('echo in')).includes('in'), true, 'shell');
		person.close();
	});
}

for (const [name, lines] of [['password', ['KbdInteractiveAuthentication no', 'PasswordAuthentication yes']],
	['keyboard-interactive', ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'PasswordAuthentication no']]]) {
	story(`logs in by ${name}`, async () => {
		if (!isRoot) return 'skip: needs an account with a password';
		const g = await prepared();
		const account = makeAccount();
		const target = await Sshd.start({ lines: [...lines] });
		try {
			const open = await way(g, { device: name, port: target.port, username: account.name, password: account.password });
			const person = await open();
			await person.live();
			equal((await person.run('id -un')).includes(account.name), true, 'who');
			assert(!person.text.includes(account.password), 'the password was shown');
			person.close();
		} finally {
			await target.stop();
			account.remove();
		}
	});
}

story('logs in at dropbear', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const g = await prepared();
	const account = makeAccount();
	const target = await Dropbear.start();
	try {
		const open = await way(g, { device: 'bear', port: target.port, username: account.name, password: account.password });
		const person = await open();
		await person.live();
		equal((await person.run('id -un')).includes(account.name), true, 'who');
		person.close();
	} finally {
		await target.stop();
		account.remove();
	}
});

story('logs in at telnetd', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const g = await prepared();
	const account = makeAccount();
	const target = await Telnetd.start();
	try {
		const open = await way(g, { device: 'old', port: target.port, protocol: 'TELNET', username: account.name, password: account.password, trust: false });
		const person = await open({ columns: 90, rows: 33 });
		await person.live();
		equal((await person.run('id -un')).includes(account.name), true, 'who');
		equal((await person.run('stty size')).includes('33 90'), true, 'size');
		person.resize(70, 20);
		await new Promise((done) => setTimeout(done, 300));
		equal((await person.run('stty size')).includes('20 70'), true, 'size after the resize');
		person.type('exit\r');
		await person.over();
	} finally {
		await target.stop();
		account.remove();
	}
});

story('a wrong password is refused in words, and nothing is tried again', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const g = await prepared();
	const account = makeAccount();
	const target = await Sshd.start({ lines: ['KbdInteractiveAuthentication no'] });
	try {
		const open = await way(g, { device: 'wrong', port: target.port, username: account.name, password: 'not-it' });
		const person = await open();
		const end = await person.over();
		assert(/refused the login/.test(end.words), JSON.stringify(end));
		equal((target.log.match(/Failed password/g) ?? []).length, 1, 'tries');
	} finally {
		await target.stop();
		account.remove();
	}
});

story('a host key that is not pinned: refused, audited, the credential stays', async () => {
	const g = await prepared();
	const open = await way(g, { device: 'fresh', port: sshd.port, username: sshd.username, password: 'canary-unpinned', trust: false });
	const end = await howItEnds(open);
	assert(/not pinned/.test(end.words), JSON.stringify(end));
});

// An impostor that completes the key exchange with its own key and would take any password.
story('a changed host key: refused, audited, the impostor sees no login', async () => {
	const g = await prepared();
	const port = await freePort();
	const honest = await Sshd.start({ port });
	const open = await way(g, { device: 'moved', port, username: sshd.username, password: 'canary-impostor' });
	await honest.stop();
	const impostor = await Sshd.start({ port, lines: ['LogLevel DEBUG2'] });
	try {
		const end = await howItEnds(open);
		assert(/has changed/.test(end.words), JSON.stringify(end));
		assert(!/userauth-request|Failed|password/.test(impostor.log.replace(/debug\d: .*(sshd_config|config).*\n/g, '')), 'a login was tried');
		const rows = events(g);
		assert(rows.some((row) => /host.?key/i.test(JSON.stringify(row)) && /changed/i.test(JSON.stringify(row))), 'not audited');
		assert(!rows.some((row) => row.event === 'credential.released' && JSON.stringify(row).includes('moved')), 'released');
	} finally {
		await impostor.stop();
	}
});

story('unreachable, silent and rude targets end in words', async () => {
	const g = await prepared();
	const closed = await freePort();
	const listen = (serve) => new Promise((done) => {
		const server = net.createServer(serve);
		server.listen(0, '127.0.0.1', () => done(server));
	});
	const silent = await listen((socket) => socket.on('error', () => {}));
	const rude = await listen((socket) => { socket.on('error', () => {}); socket.end('go away\r\n'); });
	const babbler = await listen((socket) => { socket.on('error', () => {}); socket.write(`SSH-2.0-${'x'.repeat(100000)}`); });
	try {
		for (const [device, port] of [['closed', closed], ['rude', rude.address().port], ['babbler', babbler.address().port], ['silent', silent.address().port]]) {
			const open = await way(g, { device, port, username: 'root', password: 'canary-nobody', trust: false });
			const end = await howItEnds(open);
			assert(end.why < 0 && end.words.length > 10, `${device}: ${JSON.stringify(end)}`);
		}
	} finally {
		for (const server of [silent, rude, babbler]) server.close();
	}
}, { seconds: 90 });

story('a lost network loses nothing: the missed bytes come back exactly', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	let all = Buffer.alloc(0);
	person.onFrame = (type, payload) => { if (type === FRAME.TEXT) all = Buffer.concat([all, payload]); };
	person.type('for i in $(seq 1 1500); do echo line-$i; sleep 0.001; done; echo D""ONE\r');
	for (let i = 0; i < 12; i++) {
		await new Promise((done) => setTimeout(done, 150 + i * 30));
		person.socket.terminate();
		await person.closed;
		await person.attach();
	}
	await until(() => all.includes('DONE'), 'the end of the loop', 30000);
	const lines = [...all.toString().matchAll(/line-(\d+)\r\n/g)].map((match) => Number(match[1]));
	equal(lines.length, 1500, 'lines');
	assert(lines.every((line, index) => line === index + 1), 'order');
	person.close();
}, { seconds: 90 });

story('a reload shows the same shell', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	await person.run('X=kept; echo before');
	person.close();
	await person.closed;
	person.forget();
	await person.attach();
	await person.shows('before');
	equal((await person.run('echo $X')).includes('kept'), true, 'the same shell');
	person.close();
});

story('ended by token, by drop and by the command line, with the reason shown', async () => {
	const g = await prepared();
	const ways = [
		(person) => g.request('DELETE', `/api/pam/remote/session/${person.token}`, { headers: g.bearer }),
		(person) => g.request('DELETE', `/api/pam/session/drop/${person.session}`, { headers: g.bearer }),
		(person) => g.cli(['session', 'end', person.session, 'maintenance window']),
	];
	for (const [index, end] of ways.entries()) {
		const person = await g.person();
		await person.live();
		const before = sshdChildren();
		await end(person);
		const words = (await person.over()).words;
		if (index === 2) assert(/maintenance window/.test(words), words);
		await until(async () => (await stateOf(g, person.token)).state === 'ended', 'ended');
		await until(() => sshdChildren() < before, 'the shell on the target to end');
	}
});
const sshdChildren = () => readFileSync(`/proc/${sshd.process.pid}/task/${sshd.process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).length;

story('a killed worker ends one session, audited, and no other', async () => {
	const g = await prepared();
	const victim = await g.person();
	await victim.live();
	const other = await g.person();
	await other.live();
	const { id } = g.cli(['session', 'show', victim.session]);
	const worker = g.processes('worker-ssh').find((row) => row.args.includes(`session ${id} `));
	process.kill(worker.pid, 'SIGKILL');
	const end = await victim.over();
	assert(end.why < 0, JSON.stringify(end));
	equal((await other.run('echo alive')).includes('alive'), true, 'the other session');
	await until(() => events(g).some((row) => row.event === 'session.ended' && /WORKER_DIED|process died/.test(JSON.stringify(row))), 'the audit line');
	other.close();
});

story('front, broker and vault die and the session lives on', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	await person.run('Y=survived');
	for (const name of ['front', 'broker', 'vault']) {
		const old = g.processes(name)[0].pid;
		process.kill(old, 'SIGKILL');
		await until(() => g.processes(name)[0]?.pid && g.processes(name)[0].pid !== old, `a new ${name}`, 4000);
		if (name === 'front') {
			await person.closed;
			await until(() => person.attach().then(() => true, () => false), 'to attach again', 8000);
		}
		equal((await person.run('echo $Y')).includes('survived'), true, `after ${name}`);
	}
	await until(async () => (await stateOf(g, person.token).catch(() => ({}))).state === 'live', 'still live');
	person.close();
}, { seconds: 60 });

story('a person who is gone for good: the session ends on the target too', async () => {
	const target = await Sshd.start();
	const g = await Gateway.start({ 'session.reattach': 5 });
	try {
		g.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
		const person = await g.person();
		await person.live();
		person.socket.terminate();
		await until(async () => (await stateOf(g, person.token)).state === 'ended', 'ended', 12000);
		const children = `/proc/${target.process.pid}/task/${target.process.pid}/children`;
		await until(() => readFileSync(children, 'utf8').trim() === '', 'the last shell to be gone', 5000);
	} finally {
		await g.stop();
		await target.stop();
	}
});

story('a disabled user loses the running session within two seconds', async () => {
	const g = await prepared();
	g.cli(['user', 'add', 'eva']);
	const person = await g.person({ user: 'eva' });
	await person.live();
	const start = Date.now();
	g.cli(['user', 'disable', 'eva']);
	await person.over();
	assert(Date.now() - start < 2500, `${Date.now() - start} ms`);
	const again = await g.create({ user: 'eva' });
	equal(again.status, 400, again.text);
});

// Every way in which an application loses what a session stands on.
story('a session ends within two seconds of the rights it stands on', async () => {
	const g = await prepared();
	const account = g.request_body.credential;
	const portal = async (name, options = []) => {
		g.cli(['application', 'add', name]);
		const keys = g.cli(['authorization', 'add', '--application', name, '--resource', 'web-proxy-session:rw', '--credential', `${account}@db1`, ...options]);
		const { id } = g.cli(['authorization', 'list']).findLast((row) => row.application === name);
		return { id, keys };
	};
	const ways = {
		'credential uncovered': (id) => g.cli(['authorization', 'uncover', id, '--credential', `${account}@db1`]),
		'right taken away': (id) => g.cli(['authorization', 'edit', id, '--resource', 'pam-core:rw']),
		'authorization disabled': (id) => g.cli(['authorization', 'disable', id]),
		'application disabled': (id, name) => g.cli(['application', 'disable', name]),
		expired: (id) => { g.cli(['authorization', 'edit', id, '--expires', new Date(Date.now() + 300).toISOString()]); },
	};
	for (const [index, [what, withdraw]] of Object.entries(ways).entries()) {
		const { id, keys } = await portal(`portal${index}`);
		await g.token(keys);
		const person = await g.person();
		await person.live();
		withdraw(id, `portal${index}`);
		const start = Date.now();
		await person.over();
		assert(Date.now() - start < 2500, `${what}: ${Date.now() - start} ms`);
		const again = await g.create().catch((error) => ({ status: error.message }));
		assert(again.status !== 200, `${what}: ${again.status}`);
	}
	await g.token();
}, { seconds: 60 });

story('output faster than the person: memory stays, Ctrl-C comes through', async () => {
	const g = await prepared();
	const person = await g.person({}, { acknowledge: false });
	await person.live();
	const memory = () => ['front', 'recorder'].map((name) => Number(readFileSync(`/proc/${g.processes(name)[0].pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]));
	const before = memory();
	person.type('yes 0123456789012345678901234567890123456789\r');
	await new Promise((done) => setTimeout(done, 3000));
	const growth = memory().map((value, index) => value - before[index]);
	assert(growth.every((kib) => kib < 6144), `grew by ${growth} KiB`);
	person.type('\x03'); // while nothing moves
	await new Promise((done) => setTimeout(done, 200));
	person.acknowledge = true;
	person.acknowledgeNow();
	await person.shows(/\^C[\s\S]*[#$] /, 15000); // a terminal drops what is typed ahead of an interrupt
	equal((await person.run('echo back', 15000)).includes('back'), true, 'prompt');
	assert(person.bytes < 1 << 20 && person.skips === 1, `${person.bytes} bytes came after all, with ${person.skips} skips`);
	person.type('yes 0123456789\r'); // and again while everything moves
	await new Promise((done) => setTimeout(done, 1000));
	person.type('\x03');
	await person.shows(/\^C[\s\S]*[#$] /, 15000);
	person.close();
});

story('what a target asks of the terminal is answered from the fixed table only', async () => {
	const g = await prepared();
	const person = await g.person();
	await person.live();
	const report = (kind, a, b) => { const p = Buffer.alloc(8); p[0] = kind; p.writeUInt16LE(a, 2); p.writeUInt16LE(b, 4); return p; };
	person.type('stty raw -echo; echo RE""ADY; head -c 6 | od -An -c; stty sane; echo; echo OV""ER\r');
	await person.shows('READY');
	await new Promise((done) => setTimeout(done, 200));
	person.send(FRAME.REPORT, report(2, 5, 7));
	const seen = (await person.shows(/([\s\S]*)OVER/))[1];
	assert(/033 +\[ +5 +; +7 +R/.test(seen), seen);
	person.close();
});

story('closes the session gateway', async () => {
	await gateway.stop();
	equal(gateway.process.exitCode, 0, gateway.log.slice(-500));
	await sshd.stop();
});
