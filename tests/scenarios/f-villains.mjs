// SPDX-License-Identifier: Apache-2.0
// What must not happen: secrets found where they do not belong, walls climbed, doors left open.
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

import { Gateway } from '../lib/gateway.mjs';
import { Sshd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

function* filesUnder(directory) {
	for (const name of readdirSync(directory)) {
		const file = path.join(directory, name);
		const stat = statSync(file, { throwIfNoEntry: false });
		if (stat?.isDirectory()) yield* filesUnder(file);
		else if (stat?.isFile()) yield file;
	}
}

const forms = (secret) => {
	const bytes = Buffer.from(secret);
	return { plain: bytes, base64: Buffer.from(bytes.toString('base64').replace(/=+$/, '').slice(0, -1)),
		base64url: Buffer.from(bytes.toString('base64url').slice(0, -1)), hex: Buffer.from(bytes.toString('hex')),
		HEX: Buffer.from(bytes.toString('hex').toUpperCase()), url: Buffer.from(encodeURIComponent(secret)),
		utf16: Buffer.from(secret, 'utf16le') };
};

function sweep(secrets, places) {
	const hits = [];
	for (const [place, bytes] of places)
		for (const [name, secret] of Object.entries(secrets))
			for (const [form, needle] of Object.entries(forms(secret)))
				if (bytes.includes(needle)) hits.push(`${name} (${form}) in ${place}`);
	return hits;
}

story('no secret is found anywhere it does not belong', async () => {
	if (!isRoot) return 'skip: needs an account with a password';
	const account = makeAccount();
	const target = await Sshd.start({ lines: ['KbdInteractiveAuthentication no'] });
	const g = await Gateway.start({ 'gateway.log_level': 'debug' });
	try {
		g.prepare({ device: 'db1', port: target.port, username: account.name, password: account.password });
		const access = await g.token();
		await g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', ...g.keys, client_secret: `${g.keys.client_secret}x` }));
		await g.request('POST', '/api/pam/remote/session', { headers: { Authorization: `Bearer ${access}` }, body: '{"user":' });
		const person = await g.person();
		await person.live();
		await person.run('id');
		const processes = g.processes('');
		const places = [];
		for (const { pid, args } of [...processes, { pid: g.process.pid, args: 'supervisor' }])
			for (const what of ['cmdline', 'environ'])
				places.push([`${what} of ${args}`, readFileSync(`/proc/${pid}/${what}`)]);
		person.type('exit\r');
		await person.over();
		const secrets = { password: account.password, client_secret: g.keys.client_secret, access_token: access,
			session_token: person.token, cookie: person.cookie.split('=')[1],
			url: new URL((await g.session()).session_url).searchParams.get('_sr') };
		await g.stop({ keep: true });
		for (const file of filesUnder(g.data)) places.push([file, readFileSync(file)]);
		places.push(['the log', Buffer.from(g.log)]);
		equal(sweep(secrets, places), [], 'hits');
		// the sweep itself works: what is planted is found
		equal(sweep({ planted: account.password }, [['a planted file', Buffer.from(`x${Buffer.from(account.password).toString('hex')}`)]]).length, 1, 'control');
	} finally {
		await g.stop();
		await target.stop();
		account.remove();
	}
});

story('a worker holds exactly what it was born with', async () => {
	if (!isRoot) return 'skip: reads the worker from outside';
	const target = await Sshd.start();
	const g = await Gateway.start();
	try {
		g.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
		const person = await g.person();
		await person.live();
		const { pid } = g.processes('worker-ssh')[0];
		const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
		const kinds = open.map((link) => link.replace(/\[.*|:.*/, '')).sort();
		assert(kinds.filter((kind) => kind === 'socket').length <= 3, kinds.join(' '));
		assert(kinds.every((kind) => ['/dev/null', 'socket', 'anon_inode'].includes(kind)), kinds.join(' '));
		equal(readFileSync(`/proc/${pid}/environ`).length, 0, 'environment');
		const status = readFileSync(`/proc/${pid}/status`, 'utf8');
		assert(Number(status.match(/^Uid:\t(\d+)/m)[1]) >= 1000, 'uid');
		equal([status.match(/^Seccomp:\t(\d)/m)[1], status.match(/^NoNewPrivs:\t(\d)/m)[1], status.match(/^CapEff:\t(\w+)/m)[1]],
			['2', '1', '0000000000000000'], 'walls');
		const other = await g.person();
		await other.live();
		const uids = g.processes('worker-ssh').map((row) => readFileSync(`/proc/${row.pid}/status`, 'utf8').match(/^Uid:\t(\d+)/m)[1]);
		equal(new Set(uids).size, 2, 'a uid each');
		for (const space of ['net', 'pid']) {
			const mine = readlinkSync(`/proc/self/ns/${space}`);
			assert(readlinkSync(`/proc/${pid}/ns/${space === 'pid' ? 'pid' : space}`) !== mine, `${space} namespace`);
		}
		person.close();
		other.close();
	} finally {
		await g.stop();
		await target.stop();
	}
});

story('malformed requests over TLS are refused and close', async () => {
	const g = await Gateway.start();
	try {
		const send = (bytes) => new Promise((done) => {
			let answer = '';
			const socket = tls.connect({ host: '127.0.0.1', port: g.port, rejectUnauthorized: false, servername: 'localhost' }, () => socket.write(bytes));
			socket.on('data', (data) => (answer += data));
			socket.on('close', () => done(answer));
			socket.on('error', () => done(answer));
			setTimeout(() => socket.destroy(), 3000);
		});
		const head = 'POST /api/pam/remote/session HTTP/1.1\r\n';
		for (const [name, request] of Object.entries({
			'bare LF': 'GET /healthz HTTP/1.1\nHost: x\n\n',
			'two lengths': `${head}Host: ${g.host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
			'length and coding': `${head}Host: ${g.host}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
			'unknown coding': `${head}Host: ${g.host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
			'two hosts': 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
			'no host': 'GET /healthz HTTP/1.1\r\n\r\n',
			'folded field': `GET /healthz HTTP/1.1\r\nHost: ${g.host}\r\nX: a\r\n b\r\n\r\n`,
			'space before colon': `GET /healthz HTTP/1.1\r\nHost : ${g.host}\r\n\r\n`,
			'NUL': `GET /healthz HTTP/1.1\r\nHost: ${g.host}\r\nX: a\0b\r\n\r\n`,
			'version': `GET /healthz HTTP/2.0\r\nHost: ${g.host}\r\n\r\n`,
			'sign in length': `${head}Host: ${g.host}\r\nContent-Length: +2\r\n\r\n{}`,
			'chunk size': `${head}Host: ${g.host}\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
		})) {
			const answer = await send(`${request}GET /healthz HTTP/1.1\r\nHost: ${g.host}\r\n\r\n`);
			assert(/^HTTP\/1\.1 4\d\d /.test(answer), `${name}: ${answer.slice(0, 80)}`);
			equal((answer.match(/HTTP\/1\.1 /g) ?? []).length, 1, `${name}: answers`);
		}
	} finally {
		await g.stop();
	}
});

story('old TLS and plain HTTP get nowhere', async () => {
	const g = await Gateway.start();
	try {
		const attempt = (options) => new Promise((done) => {
			const socket = tls.connect({ host: '127.0.0.1', port: g.port, rejectUnauthorized: false, ...options },
				() => { done(socket.getProtocol()); socket.destroy(); });
			socket.on('error', () => done('refused'));
		});
		equal(await attempt({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }), 'refused', 'TLS 1.1');
		equal(await attempt({ maxVersion: 'TLSv1.2' }), 'TLSv1.2', 'TLS 1.2');
		equal(await attempt({}), 'TLSv1.3', 'TLS 1.3');
		equal(await attempt({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-GCM-SHA384' }), 'refused', 'no forward secrecy');
	} finally {
		await g.stop();
	}
});

story('2,000 short connections and 300 short sessions leave nothing behind', async () => {
	const g = await Gateway.start({ 'ticket.lifetime': 300 });
	const target = await Sshd.start();
	try {
		g.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
		const round = async (count) => {
			for (let i = 0; i < count; i += 10)
				await Promise.all(Array.from({ length: 10 }, () => g.request('GET', '/healthz')));
		};
		const figures = () => Object.fromEntries(['front', 'broker', 'vault', 'recorder'].map((name) => {
			const { pid } = g.processes(name)[0];
			const fds = isRoot ? readdirSync(`/proc/${pid}/fd`).length : 0; // an ordinary user may not look
			return [name, { fds, kib: Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) }];
		}));
		const visit = async () => {
			const person = await g.person();
			await person.live();
			person.send(0x44);
			await person.over();
			await person.close();
		};
		await round(200);
		for (let i = 0; i < 10; i++) await Promise.all([visit(), visit()]);
		await new Promise((done) => setTimeout(done, 1500));
		const before = figures();
		await round(2000);
		for (let i = 0; i < 75; i++) await Promise.all([visit(), visit(), visit(), visit()]);
		await until(() => g.processes('worker').length === 0, 'the workers to be gone');
		await new Promise((done) => setTimeout(done, 1500));
		const after = figures();
		for (const name of Object.keys(before)) {
			assert(after[name].fds <= before[name].fds + 2, `${name} descriptors: ${before[name].fds} -> ${after[name].fds}`);
			assert(after[name].kib <= before[name].kib + 2048, `${name} memory: ${before[name].kib} -> ${after[name].kib} KiB`);
		}
	} finally {
		await g.stop();
		await target.stop();
	}
}, { seconds: 240 });
