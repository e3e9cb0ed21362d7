// SPDX-License-Identifier: Apache-2.0
// Secrets of fourteen kinds are planted, used, misused and lost in crashes; then they are looked for in everything
// the gateway wrote, said and remembers, in every form.
import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OAuth from 'oauth-1.0a';

import { Canaries, buildTools, formsOf, keysOf, seedOf, tell } from '../lib/canaries.mjs';
import { Gateway, programs } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { Sshd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const passphrase = `passphrase ${randomBytes(12).toString('hex')}`;
const made = (what) => `${what}-${randomBytes(12).toString('hex')}`;
const services = ['front', 'broker', 'vault', 'recorder'];
const vaulted = ['target password', 'private key', 'OAuth 1 secret'];
const ofKind = (...kinds) => (name) => kinds.some((kind) => name.startsWith(`${kind} `));

// A gateway whose every word is kept: answers, the output of commands, the log.
class World {
	static async start() {
		const world = new World();
		world.canaries = new Canaries();
		world.texts = []; // { name, text, grants }
		world.places = new Set(readdirSync(tmpdir()));
		world.plant('vault passphrase', passphrase);
		world.sshd = await Sshd.start({ lines: ['KbdInteractiveAuthentication no', 'PasswordAuthentication yes'] });
		world.gateway = await Gateway.start({ 'ticket.lifetime': 300, 'gateway.log_level': 'debug', 'api.failures': 100 },
			{ init: ['--passphrase-stdin'], input: passphrase });
		world.listen();
		return world;
	}

	plant(kind, value) { this.canaries.plant(kind, value); return value; }

	keep(name, text, grants = []) { this.texts.push({ name, text: String(text), grants }); }

	// From here on the gateway's own functions tell what they saw. Some answers exist to hand something over once.
	listen() {
		const { gateway } = this;
		const request = gateway.request.bind(gateway);
		gateway.request = async (method, target, options) => {
			const answer = await request(method, target, options);
			const good = answer.status === 200;
			const grants = !good ? [] : /oauth2\/token/.test(target) ? ['access token'] : /\/modulos\/auth/.test(target) ? ['cookie'] :
				method === 'POST' && /remote\/session$/.test(target) ? ['URL value', 'session token'] : [];
			this.keep(`${method} ${target.slice(0, 40)} ${answer.status}`, `${JSON.stringify(answer.headers)}\n${answer.text}`, grants);
			return answer;
		};
		const cli = gateway.cli.bind(gateway);
		gateway.cli = (args, options = {}) => {
			const done = cli(args, { ...options, raw: true });
			const [noun, verb] = args.filter((word) => word !== '--json');
			const grants = noun === 'authorization' && verb === 'add' ? ['client secret', 'OAuth 1 secret'] : verb === 'export' ? ['typed password'] : [];
			this.keep(`sallyport ${args.join(' ')}`, done.out + done.error, grants);
			return done;
		};
	}

	// cli() with its JSON answer, as Gateway has it.
	ask(args, options) { return JSON.parse(this.gateway.cli(['--json', ...args], options).out); }

	pids() {
		return Object.fromEntries([['supervisor', [this.gateway.process.pid]],
			...[...services, 'worker-ssh'].map((name) => [name, this.gateway.processes(name).map(({ pid }) => pid)])]);
	}

	// Everything that was kept, but for what an answer was there to hand over.
	spoken() {
		const places = this.texts.concat([{ name: 'log', text: this.gateway.log, grants: [] }]);
		const { hits } = this.canaries.sweepTexts(places);
		return hits.filter(({ name, place }) => {
			const { grants } = places[Number(path.basename(place).match(/^(\d+)-/)[1])];
			return !grants.some((kind) => name.startsWith(`${kind} `));
		}).map((hit) => ({ ...hit, place: places[Number(path.basename(hit.place).match(/^(\d+)-/)[1])].name }));
	}

	async stop() {
		await this.gateway.stop();
		await this.sshd.stop();
		this.account?.remove();
		this.canaries.finish();
	}
}

let world;
async function prepared() {
	if (world) return world;
	buildTools();
	world = await World.start();
	return world;
}

// What memory may hold: the vault its keys, the recorder the keys of what it records, nobody a vaulted secret.
function memory(when) {
	if (!isRoot) return;
	const { canaries } = world;
	const found = [];
	for (const [name, pids] of Object.entries(world.pids())) {
		const never = [...vaulted, 'vault passphrase', 'root key file', ...name === 'vault' ? [] : ['root key', 'recording secret'],
			...name === 'recorder' ? [] : ['data key of recording']];
		for (const pid of pids) {
			const { hits, unread } = canaries.sweep([`pid:${pid}`], ofKind(...never));
			if (existsSync(`/proc/${pid}`)) equal(unread, [], `${name} could not be read`);
			found.push(...hits.map((hit) => ({ ...hit, place: `${name} ${when}: ${hit.place}` })));
			found.push(...canaries.sweep([`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]).hits);
		}
	}
	assert(found.length === 0, tell(found));
}

const shortly = () => sleep(100); // what C6 allows a secret to outlive its use

story('canaries: secrets are planted, sessions log in with them, memory forgets them', async () => {
	const w = await prepared();
	const g = w.gateway;
	memory('before the vault is opened');
	g.cli(['unseal'], { input: 'not the passphrase', expect: 1 });
	g.cli(['unseal'], { input: passphrase });
	await shortly();
	for (const { name, bytes } of keysOf(path.join(g.data, 'vault'), [], passphrase)) w.plant(name, bytes);
	memory('after unseal');

	// Credentials: a password that works where accounts can be made, one that does not, keys with and without a passphrase.
	w.account = isRoot ? makeAccount() : undefined;
	const password = w.plant('target password', w.account?.password ?? made('target-password'));
	const wrong = w.plant('target password', made('wrong-password'));
	const keyFile = w.sshd.allow('ed25519');
	w.plant('private key', seedOf(readFileSync(keyFile, 'utf8')));
	for (const line of readFileSync(keyFile, 'utf8').split('\n').slice(2, -2)) w.plant('private key', line);
	const locked = path.join(w.sshd.directory, 'locked');
	const keyPassphrase = w.plant('key passphrase', made('key-passphrase'));
	spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', keyPassphrase, '-f', locked]);
	g.cli(['user', 'add', 'ana']);
	g.cli(['device', 'add', 'db1', '--ip', '127.0.0.1', '--connectivity', `SSH:${w.sshd.port}`]);
	g.cli(['device', 'trust', 'db1', '--protocol', 'SSH', '--yes']);
	const add = (username, rest, options) => g.cli(['credential', 'add', '--device', 'db1', '--username', username, ...rest], options);
	add(w.account?.name ?? 'nobody', ['--password-stdin'], { input: password });
	add('wrong', ['--password-stdin'], { input: wrong });
	add(w.sshd.username, ['--ssh-key-file', keyFile]);
	add('locked', ['--ssh-key-file', locked], { expect: 1 });
	await shortly();
	memory('after credentials were stored');

	g.cli(['application', 'add', 'portal']);
	const covered = [w.account?.name ?? 'nobody', 'wrong', w.sshd.username].flatMap((name) => ['--credential', `${name}@db1`]);
	g.keys = w.ask(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw', ...covered]);
	w.plant('client secret', g.keys.client_secret);
	g.cli(['application', 'add', 'signer', '--auth', 'oauth1']);
	w.signer = w.ask(['authorization', 'add', '--application', 'signer', '--resource', 'web-proxy-session:rw', ...covered]);
	w.plant('OAuth 1 secret', w.signer.consumer_secret);
	w.plant('OAuth 1 secret', w.signer.token_secret);
	await shortly();
	memory('after secrets were made');
	w.plant('access token', await g.token());
	g.request_body = { user: 'ana', credential: w.sshd.username, device: 'db1', protocol: 'ssh' };
});

const value = (url) => new URL(url).searchParams.get('_sr');

async function opened(change) {
	const session = await world.gateway.session(change);
	world.plant('URL value', value(session.session_url));
	world.plant('session token', session.token);
	const person = new Person(world.gateway);
	await person.open(session.session_url);
	world.plant('cookie', person.cookie.split('=')[1]);
	await person.attach();
	person.token = session.token;
	return person;
}

story('canaries: a key and a password log in, and neither is left anywhere', async () => {
	const w = await prepared();
	const g = w.gateway;
	w.people = [];
	for (const credential of [w.sshd.username, w.account?.name].filter(Boolean)) {
		const person = await opened({ credential });
		await person.live();
		await shortly();
		for (const { name, bytes } of keysOf(path.join(g.data, 'vault'), [g.recordingFile(person.session)], passphrase)) w.plant(name, bytes);
		memory(`100 ms after ${credential} logged in`);
		const typed = w.plant('typed password', made('typed-password'));
		person.type('read -r -s secret && echo got""it\r');
		await sleep(300);
		person.type(`${typed}\r`);
		await person.shows('gotit');
		w.people.push(person);
	}
	if (!isRoot) return 'skip: the memory of others can be read by root alone; files and words are looked through all the same';
});

function sign(keys, secret = keys.token_secret) {
	const signer = new OAuth({ consumer: { key: keys.consumer_key, secret: keys.consumer_secret }, signature_method: 'HMAC-SHA1',
		hash_function: (base, key) => createHmac('sha1', key).update(base).digest('base64') });
	const url = `${world.gateway.base}/api/pam/remote/session`;
	return signer.toHeader(signer.authorize({ url, method: 'POST' }, { key: keys.token_key, secret }));
}

story('canaries: what fails and what is malformed says nothing either', async () => {
	const w = await prepared();
	const g = w.gateway;
	equal((await g.request('POST', '/api/pam/remote/session', { headers: sign(w.signer), body: g.request_body })).status, 200, 'signed');
	await shortly();
	memory('100 ms after a signature was checked');
	equal((await g.request('POST', '/api/pam/remote/session', { headers: sign(w.signer, 'x'), body: g.request_body })).status, 401, 'wrong signature');
	// A login that the target refuses.
	const refused = await opened({ credential: 'wrong' });
	await refused.over();
	await shortly();
	memory('100 ms after a login was refused');
	// From here on secrets are sent to where they do not belong: the front has seen them, so only words and files count.
	const secrets = [...w.canaries.planted].filter(([, bytes]) => !bytes.includes(0) && bytes.toString('latin1') === bytes.toString('utf8'))
		.map(([, bytes]) => bytes.toString('utf8')).filter((text) => /^[\x20-\x7e]+$/.test(text));
	for (const secret of secrets) {
		const json = { 'Content-Type': 'application/json' };
		const quoted = JSON.stringify(secret);
		const tries = [
			['POST', '/api/pam/remote/session', { headers: { ...g.bearer, ...json }, body: `{"user":${quoted},` }],
			['POST', '/api/pam/remote/session', { headers: { ...g.bearer, ...json }, body: `{"user":"ana","password":${quoted},"user":"x"}` }],
			['POST', '/api/pam/remote/session', { headers: g.bearer, body: { ...g.request_body, port: secret } }],
			['POST', '/api/pam/remote/session', { headers: g.bearer, body: { ...g.request_body, remoteAddr: secret } }],
			['POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', client_id: 'nobody', client_secret: secret })],
			['POST', '/iso/oauth2/token', { headers: { Authorization: `Basic ${Buffer.from(`nobody:${secret}`).toString('base64')}`,
				'Content-Type': 'application/x-www-form-urlencoded' }, body: 'grant_type=client_credentials' }],
			['POST', `/iso/oauth2/token?client_secret=${encodeURIComponent(secret)}`, g.form({ grant_type: 'client_credentials' })],
			['GET', '/api/pam/session/remotesessions', { headers: { Authorization: `Bearer ${secret}x` } }],
			['GET', `/api/pam/remote/session/${encodeURIComponent(`${secret}x`)}`, { headers: g.bearer }],
			['GET', `/modulos/auth?_sr=${encodeURIComponent(secret)}`, {}],
			['POST', '/modulos/auth', { headers: { Origin: g.base, 'Sec-Fetch-Site': 'same-origin' }, body: { sr: `${secret}x`, key: 'AAAA' } }],
			['GET', '/healthz', { headers: { Referer: `https://x/?s=${encodeURIComponent(secret)}`, 'User-Agent': secret, Cookie: `a=${encodeURIComponent(secret)}` } }],
			['DELETE', `/api/pam/session/drop/${encodeURIComponent(secret)}`, { headers: g.bearer }],
		];
		for (const [method, target, options] of tries) {
			const answer = await g.request(method, target, options);
			assert(answer.status !== 500 || /documented|droping/.test(answer.text), `${method} ${target.slice(0, 30)}: ${answer.status} ${answer.text}`);
		}
	}
	g.cli(['credential', 'add', '--device', 'db1', '--username', 'broken', '--ssh-key-file', brokenKey(w)], { expect: 1 });
	g.cli(['unseal'], { input: `${passphrase}x`, expect: 1 });
}, { seconds: 120 });

// A private key whose middle is missing: the error says so, and not what was there.
function brokenKey(w) {
	const file = path.join(w.sshd.directory, 'broken');
	const key = readdirSync(w.sshd.directory).find((name) => name.startsWith('key-') && !name.endsWith('.pub'));
	writeFileSync(file, readFileSync(path.join(w.sshd.directory, key), 'utf8').split('\n').filter((_, index) => index !== 2).join('\n'), { mode: 0o600 });
	return file;
}

const coreSize = (pid) => readFileSync(`/proc/${pid}/limits`, 'utf8').match(/^Max core file size +(\S+) +(\S+)/m).slice(1);

story('canaries: crashes leave no core, whatever the limit was', async () => {
	const w = await prepared();
	const g = w.gateway;
	for (const [name, pids] of Object.entries(w.pids()))
		for (const pid of pids) equal(coreSize(pid), ['0', '0'], `core size of ${name}`);
	if (!isRoot) return 'skip: needs root to raise the limit of others';
	const cwds = Object.values(w.pids()).flat().map((pid) => `/proc/${pid}/cwd`).map((link) => spawnSync('readlink', ['-f', link], { encoding: 'utf8' }).stdout.trim());
	for (const name of ['front', 'recorder', 'worker-ssh', 'broker', 'vault']) {
		const [pid] = w.pids()[name];
		if (pid === undefined) continue;
		spawnSync('prlimit', ['--pid', String(pid), '--core=unlimited:unlimited']); // even then: it is not dumpable
		process.kill(pid, 'SIGSEGV');
		await until(() => !existsSync(`/proc/${pid}`), `${name} to die`);
		if (name !== 'worker-ssh') await until(() => w.pids()[name].some((other) => other !== pid), `${name} to come back`, 20000);
	}
	const cores = [...cwds, g.data, '/', process.cwd()].flatMap((directory) => {
		try { return readdirSync(directory).filter((file) => /^core(\.\d+)?$/.test(file)).map((file) => path.join(directory, file)); } catch { return []; }
	}).filter((file) => statSync(file).isFile());
	equal(cores, [], 'core files');
	await until(() => g.cli(['unseal'], { input: passphrase }), 'the vault to open', 20000);
	await shortly();
	memory('after the crashes');
}, { seconds: 120 });

story('canaries: nothing in logs, answers, commands, files, on the disk', async () => {
	const w = await prepared();
	const g = w.gateway;
	for (const person of w.people) person.close();
	const commands = [['status'], ['settings'], ['user', 'list'], ['device', 'list'], ['credential', 'list'], ['application', 'list'],
		['authorization', 'list'], ['session', 'list'], ['session', 'show', w.people[0].session], ['recording', 'list'],
		['recording', 'export', w.people[0].session, '--format', 'text'], ['audit', 'list'], ['audit', 'verify'], ['vault', 'rotate']];
	for (const command of commands) {
		g.cli(command);
		if (command[1] !== 'export' && command[1] !== 'rotate') g.cli(['--json', ...command]);
	}
	g.cli(['recording', 'verify', w.people[0].session], { expect: 3 }); // cut short when the recorder crashed
	await shortly();
	for (const { name, bytes } of keysOf(path.join(g.data, 'vault'), readdirSync(path.join(g.data, 'recordings'))
		.filter((file) => file.endsWith('.rec')).map((file) => path.join(g.data, 'recordings', file)), passphrase)) w.plant(name, bytes);
	memory('after a recording was read');
	assert(w.canaries.kinds().size >= 14, `only ${[...w.canaries.kinds()]}`);
	// The control: a leak is found, in each form and each kind of place.
	const control = new Canaries();
	const leaked = made('leak');
	control.plant('leak', leaked);
	for (const { form, needle } of formsOf(Buffer.from(leaked))) {
		const { hits } = control.sweepTexts([{ name: 'log', text: Buffer.concat([Buffer.from('before "'), needle, Buffer.from('" after')]) }]);
		assert(hits.some((hit) => hit.form === form), `a leak as ${form} was not found`);
	}
	const child = spawnSync(path.join(programs, 'canary-sweep'), [path.join(control.directory, 'needles'), `pid:${process.pid}`], { encoding: 'utf8' });
	assert(child.stdout.includes('leak 1|plain'), 'a leak in memory was not found');
	control.finish();

	const words = w.spoken();
	assert(words.length === 0, tell(words));
	const { hits, unread } = w.canaries.sweep([g.data]);
	equal(unread, [], 'unread');
	assert(hits.length === 0, tell(hits));
	const fresh = readdirSync(tmpdir()).filter((name) => !w.places.has(name)).map((name) => path.join(tmpdir(), name))
		.filter((name) => { try { return statSync(name).uid >= 61800; } catch { return false; } });
	if (fresh.length) equal(w.canaries.sweep(fresh).hits, [], 'temporary files');
}, { seconds: 120 });

story('canaries: nobody else reads memory or files of the gateway', async () => {
	if (!isRoot) return 'skip: needs root to be somebody else';
	const w = await prepared();
	const directory = mkdtempSync(path.join(tmpdir(), 'sweep-'));
	const tool = path.join(directory, 'sweep');
	const needles = path.join(directory, 'needles');
	try {
		chmodSync(directory, 0o755);
		copyFileSync(path.join(programs, 'canary-sweep'), tool);
		writeFileSync(needles, 'zeros 00000000000000000000000000000000\n');
		chmodSync(needles, 0o644);
		for (const [name, pids] of Object.entries(w.pids())) {
			for (const pid of pids) {
				const own = Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^Uid:\t(\d+)/m)[1]);
				for (const uid of new Set([65534, own || 65534])) {
					const done = spawnSync(tool, [needles, `pid:${pid}`], { encoding: 'utf8', uid, gid: uid });
					equal([done.status, done.stdout.trim()], [0, `unread: pid:${pid}`], `${name} read by ${uid}`);
				}
			}
		}
		const done = spawnSync(tool, [needles, w.gateway.data], { encoding: 'utf8', uid: 65534, gid: 65534 });
		assert(!done.stdout.includes('\t'), done.stdout.slice(0, 500));
		assert(done.stdout.includes('unread: '), 'the data of the gateway is there for everybody');
	} finally {
		rmSync(directory, { recursive: true });
	}
});

// A thief of the database: each value that is stored, in each form it could be handed in.
function stored(w) {
	const values = new Set();
	const tables = w.gateway.tables();
	for (const table of tables.sort((a, b) => (b === 'authorizations') - (a === 'authorizations'))) // its own secrets first
		for (const hex of w.gateway.stored(table).filter((row) => row.length >= 12)) values.add(hex);
	return [...values].flatMap((hex) => {
		const bytes = Buffer.from(hex, 'hex').subarray(0, 4096);
		const forms = [bytes.toString('base64'), bytes.toString('hex')];
		const text = bytes.toString('utf8');
		return /^[\x21-\x7e]+$/.test(text) ? [text, ...forms] : forms;
	});
}

story('canaries: nothing in the database opens anything', async () => {
	const w = await prepared();
	const g = w.gateway;
	const person = await opened();
	await person.live();
	const session = await g.session();
	let address = 0;
	let agent;
	const next = () => { // another address now and then, so that guesses are not merely slowed down
		if (address % 20 === 0) { agent?.destroy(); agent = new https.Agent({ keepAlive: true, maxSockets: 1 }); }
		return `127.0.${1 + Math.floor(address / 20 / 250)}.${1 + Math.floor(address++ / 20) % 250}`;
	};
	const values = stored(w);
	assert(values.length > 60, `only ${values.length} values`);
	// A client that failed too often is not listened to: the next one is asked.
	const clients = [g.keys.client_id, ...Array.from({ length: Math.ceil(values.length / 90) }, () =>
		w.ask(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:r']).client_id)];
	let tried = 0;
	for (const [index, text] of values.entries()) {
		const localAddress = next();
		const ask = async (method, target, options) => { tried++; return (await g.request(method, target, { agent, localAddress, ...options })).status; };
		equal(await ask('GET', '/api/pam/session/remotesessions', { headers: { Authorization: `Bearer ${text.slice(0, 1500)}` } }), 401, `${text} as token`);
		const spent = await ask('POST', '/modulos/auth', { headers: { Origin: g.base, 'Sec-Fetch-Site': 'same-origin' },
			body: { sr: text, key: Buffer.alloc(65, 4).toString('base64'), columns: 80, rows: 24 } });
		assert(spent === 410 || spent === 400, `${text} as URL: ${spent}`);
		const proved = await ask('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', client_id: clients[Math.floor(index / 90)], client_secret: text }));
		assert(proved === 401 || proved === 400, `${text} as client secret: ${proved}`);
		if (!/[/%?#]/.test(text)) {
			const state = await ask('GET', `/api/pam/remote/session/${encodeURIComponent(text.slice(0, 200))}`, { headers: g.bearer });
			assert(state !== 200, `${text} as session token: ${state}`);
		}
	}
	agent?.destroy();
	for (const text of values.filter((one) => /^[\x21-\x7e]{32,128}$/.test(one) && !/[;,"\\]/.test(one)).slice(0, 150)) {
		const thief = new Person(g, { localAddress: next() });
		Object.assign(thief, { keys: person.keys, session: person.session });
		tried++;
		const refused = await thief.attach({ cookie: `${person.cookie.split('=')[0]}=${text}` }).then(() => false, () => true);
		thief.close();
		assert(refused, `${text} as cookie`);
	}
	// The right ones open all the same.
	equal((await g.request('GET', `/api/pam/remote/session/${session.token}`, { headers: g.bearer })).status, 200, 'the session token');
	person.close();
	console.log(`     ${values.length} values, ${tried} tries`);
}, { seconds: 300 });

story('canaries: the bytes of root.key are in that file and nowhere else', async () => {
	const g = await Gateway.start({ 'gateway.log_level': 'debug' });
	const canaries = new Canaries();
	try {
		canaries.plant('root key file', readFileSync(path.join(g.data, 'vault', 'root.key')));
		for (const { name, bytes } of keysOf(path.join(g.data, 'vault'))) canaries.plant(name, bytes);
		g.cli(['vault', 'rotate']);
		const now = canaries.plant('root key file', readFileSync(path.join(g.data, 'vault', 'root.key'))); // a new one
		for (const { name, bytes } of keysOf(path.join(g.data, 'vault'))) canaries.plant(name, bytes);
		await shortly();
		const { hits } = canaries.sweep([g.data]);
		assert(hits.every(({ name, place }) => name === now && place.endsWith('/vault/root.key')) && hits.length > 0, tell(hits));
		equal(canaries.sweepTexts([{ name: 'log', text: g.log }]).hits, [], 'log');
		if (!isRoot) return 'skip: the memory of others can be read by root alone';
		for (const name of [...services, 'supervisor']) {
			const [pid] = name === 'supervisor' ? [g.process.pid] : g.processes(name).map((one) => one.pid);
			const found = canaries.sweep([`pid:${pid}`]).hits
				.filter((hit) => name !== 'vault' || hit.name.startsWith('root key file')); // keys, not what they came from
			equal(found, [], `${name}: ${tell(found)}`);
		}
	} finally {
		canaries.finish();
		await g.stop();
	}
});

story('canaries: the world ends', async () => { await (await prepared()).stop(); });
