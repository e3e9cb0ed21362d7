// SPDX-License-Identifier: Apache-2.0
// What the matrix of rights (tests/scenarios/b-rights.mjs) takes for granted: who calls, and where a sample of
// each endpoint's object comes from. Endpoints themselves come from the table the broker was compiled with.
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { build } from './gateway.mjs';
import { assert, equal, until } from './story.mjs';

const NOT_AUTHORIZED = [500, 'You are not authorized to access this resource.'];
const NOT_FOUND = [400, '1002: Session not found'];
const NO_SESSION = [500, 'An error occurred while droping session'];
const UNKNOWN_TOKEN = [401, 'The access token is unknown, expired or revoked.'];
const READ_ONLY = [400, '1039: Without PAM Configuration Access permission'];
const NO_DEVICE = [400, '1011: Device not found'];
const NO_USER = [400, '1005: User does not exist'];
const TAKEN = [400, 'That name is taken'];
const NOBODY = [401, 'No route matched with those values.'];

const person = ({ username }) => ({ username: username ?? 'nobody-else', name: 'Somebody' });
const everybodys = (message) => ({ own: [200, message], inactive: [200, message], sibling: [200, message], foreign: [200, message], absent: NO_USER });

const NO_ACCESS = [400, '1009: No access to credential'];
const ACCOUNTS = { sibling: NO_ACCESS, foreign: NO_ACCESS, absent: [400, '1007: Credential not found'] };

// ADD AN ENDPOINT: its line here, by method and path.
//   kind      what its object is (kinds, below); without one, the whole list is its object
//   segment   what of the object stands in the path; body: what is sent
//   expect    the answer for each relation of the object to who asks: status, and message or its pattern
// A list says with `shows` which objects an answer names, by the same key as `segment`.
export const lines = {
	'POST oauth2/token': { token: true },
	'POST remote/session': { kind: 'credential', body: ({ credential, device }, { user }) => ({ user, credential, device, protocol: 'ssh', id: '1' }),
		expect: { covered: [200, 'Session created successfully'], inactive: [400, '1008: Credential inactive'], ...ACCOUNTS },
		shared: true }, // the API documents both numbers
	'GET remote/session/{}': { kind: 'session', segment: 'token',
		expect: { own: [200, 'Session found'], ended: [200, 'Session found'], sibling: NOT_FOUND, foreign: NOT_FOUND, absent: NOT_FOUND, odd: NOT_FOUND } },
	'DELETE remote/session/{}': { kind: 'session', segment: 'token', ends: true,
		expect: { own: [200, 'Session dropped successfully'], ended: [200, 'Session dropped successfully'], sibling: NOT_FOUND, foreign: NOT_FOUND,
			absent: NOT_FOUND, odd: NOT_FOUND } },
	'GET session/remotesessions': { kind: 'session', shows: (answer) => answer.remote_sessions.map(({ session_id: id }) => id), key: 'id',
		expect: { own: [200, ''], ended: [200, ''], sibling: [200, ''], foreign: [200, ''] }, shown: ['own'] },
	'GET session/remotesessions/{}': { kind: 'session', segment: 'id',
		expect: { own: [200, ''], ended: [200, ''], sibling: NOT_FOUND, foreign: NOT_FOUND, absent: NOT_FOUND, odd: [400, '1003: Unexpected identifier type'] } },
	'DELETE session/drop/{}': { kind: 'session', segment: 'number', ends: true,
		expect: { own: [200, 'Session dropped successfully'], ended: NO_SESSION, sibling: NO_SESSION, foreign: NO_SESSION, absent: NO_SESSION,
			odd: [400, '1003: Unexpected identifier type'] } },
	'PUT credential/{}': { kind: 'account', segment: 'account', shared: true, expect: { ...ACCOUNTS,
		own: [400, '1043: Credential is already activated!'], inactive: [200, 'Credential successfully activated'] } },
	'DELETE credential/{}': { kind: 'account', segment: 'account', shared: true, expect: { ...ACCOUNTS,
		own: [200, 'Credential successfully deactivated'], inactive: [400, '1008: Credential inactive'] } },
	// seen: it has a credential of it, and nothing more; fresh: the name is nobody's yet
	'GET device': { kind: 'device', shows: (answer) => answer.devices.map(({ hostname }) => hostname), key: 'hostname', shown: ['own', 'seen'],
		expect: Object.fromEntries(['own', 'seen', 'inactive', 'sibling', 'foreign'].map((one) => [one, [200, /^\d+ devices found$/]])) },
	'POST device': { kind: 'device', body: ({ hostname }) => ({ hostname, ip: '192.0.2.1', site: 's', model: 'm', vendor: 'v', type: 't' }),
		expect: { fresh: [201, 'Device successfully registered!'], own: [201, 'Device updated successfully!'], seen: READ_ONLY,
			sibling: TAKEN, foreign: TAKEN } },
	'GET device/{}': { kind: 'device', segment: 'id', expect: { own: [200, /^Device \d+$/], seen: [200, /^Device \d+$/],
		inactive: [200, /^Device \d+$/], sibling: NO_DEVICE, foreign: NO_DEVICE, absent: NO_DEVICE } },
	'PUT device/{}': { kind: 'device', segment: 'hostname', expect: { own: [400, '1044: Device is already activated'], seen: READ_ONLY,
		inactive: [200, 'Device successfully activated'], sibling: NO_DEVICE, foreign: NO_DEVICE, absent: NO_DEVICE } },
	'DELETE device/{}': { kind: 'device', segment: 'hostname', expect: { own: [200, 'Device successfully deactivated'], seen: READ_ONLY,
		inactive: [200, 'Device successfully deactivated'], sibling: NO_DEVICE, foreign: NO_DEVICE, absent: NO_DEVICE } },
	// people are everybody's who has the resource
	'GET user/related': { kind: 'user', shows: (answer) => answer.relatedUsers.map(({ username }) => username), key: 'username',
		shown: ['own', 'sibling', 'foreign'],
		expect: Object.fromEntries(['own', 'inactive', 'sibling', 'foreign'].map((one) => [one, [200, /^\d+ related users found$/]])) },
	'POST user/related': { kind: 'user', body: person,
		expect: { fresh: [200, 'Related user successfully registered!'], own: TAKEN, sibling: TAKEN, foreign: TAKEN } },
	'GET user/related/{}': { kind: 'user', segment: 'id', shared: true, expect: everybodys(/^Related user \d+$/) },
	'PUT user/related': { kind: 'user', shared: true, body: ({ id, ...one }) => ({ id, ...person(one) }),
		expect: everybodys('Related user successfully updated!') },
	'PUT user/related/{}': { kind: 'user', segment: 'id', shared: true, body: person, expect: everybodys('Related user successfully updated!') },
	'DELETE user/related/{}': { kind: 'user', segment: 'id', shared: true, expect: { ...everybodys('Related user successfully deactivated'),
		inactive: [200, 'Related user has already been deactivated'] } },
};

export const lineOf = ({ method, path: where }) => `${method} ${where}`;
// What the table of endpoints and the lines do not have of each other; nothing, or the matrix has a hole.
export const holes = (table, known = lines) => {
	const named = table.filter(({ door }) => door === 'api').map(lineOf);
	return [...named.filter((name) => !known[name]).map((name) => `${name} has no line`),
		...Object.keys(known).filter((name) => !named.includes(name)).map((name) => `${name} is no endpoint`)];
};

export function endpointTable() {
	const done = spawnSync('ninja', ['-C', build, 'meson-out/endpoint-table'], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(`the table of endpoints is not built: ${done.stdout}`);
	return JSON.parse(spawnSync(path.join(build, 'meson-out/endpoint-table'), { encoding: 'utf8' }).stdout);
}

// Callers are asked for a certificate under this name, and not under the page's.
export const ASKING = 'api.localhost';
function certificate(name) {
	const directory = mkdtempSync(path.join(tmpdir(), 'sallyport-certificate-'));
	const files = ['key', 'cert'].map((part) => path.join(directory, part));
	const done = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files[0],
		'-out', files[1], '-subj', `/CN=${name}`, '-days', '2'], { encoding: 'utf8' });
	if (done.status !== 0) throw new Error(`no certificate: ${done.stderr}`);
	const [key, cert] = files.map((file) => readFileSync(file, 'utf8'));
	rmSync(directory, { recursive: true });
	const { fingerprint256 } = new X509Certificate(cert);
	return { fingerprint: fingerprint256, under: (servername) => new https.Agent({ key, cert, servername, keepAlive: false }) };
}
export const certificates = { right: certificate('right'), wrong: certificate('wrong') };
const { right, wrong } = certificates;
const bound = { options: () => ['--fingerprint', right.fingerprint], agent: right.under(ASKING) };

const ALL = ['a2a', 'certificate-manager', 'dashboards', 'pam-core', 'system', 'task-manager', 'users', 'web-proxy-session'];
export const rights = (access, without = []) => ALL.filter((name) => !without.includes(name)).map((name) => `${name}:${access}`).join(',');

let count = 0; // names are taken once

// One caller: an authorization that reaches everything of its own, until `spoil` takes that away.
export class Caller {
	constructor(gateway, name) {
		Object.assign(this, { gateway, name, headers: {} });
	}

	cli(...words) {
		return this.gateway.cli(words);
	}

	async begin({ application = this.name, options = [], headers = {}, from, agent } = {}) {
		const g = this.gateway;
		Object.assign(this, { from, agent });
		if (!g.cli(['application', 'list']).some(({ name }) => name === application)) this.cli('application', 'add', application);
		for (const part of ['', '-inactive', '-spare'])
			g.credential({ device: 'db1', username: `${this.name}${part}`, password: 'x' });
		this.application = application;
		this.keys = this.cli('authorization', 'add', '--application', application, '--resource', rights('rw'), '--credential', `${this.name}@db1`,
			'--credential', `${this.name}-inactive@db1`, '--credential', `${this.name}-spare@db1`, ...options);
		this.id = g.cli(['authorization', 'list']).find(({ client_id: id }) => id === this.keys.client_id).id;
		this.headers = { ...headers };
		assert(await this.renew(), `${this.name} gets no token`);
		this.cli('credential', 'disable', '--device', 'db1', '--username', `${this.name}-inactive`);
		return this;
	}

	token(localAddress = this.from) {
		const form = this.gateway.form({ grant_type: 'client_credentials', ...this.keys });
		const { Authorization: _, ...headers } = this.headers;
		return this.gateway.request('POST', '/iso/oauth2/token', { ...form, headers: { ...form.headers, ...headers }, localAddress, agent: this.agent });
	}

	async renew() {
		const { status, json } = await this.token();
		if (status === 200) this.headers = { ...this.headers, Authorization: `Bearer ${json.access_token}` };
		return status === 200;
	}

	ask(method, target, { body, localAddress } = {}) {
		return this.gateway.request(method, target, { headers: this.headers, body, localAddress: this.from ?? localAddress, agent: this.agent });
	}

	// What there is of its own of each kind, made anew when asked for again.
	async make(kind, relation = 'own') {
		if (kind === 'credential') return { credential: relation === 'inactive' ? `${this.name}-inactive` : this.name, device: 'db1' };
		if (kind === 'device') return this.device(relation);
		if (kind === 'account') return this.account(relation);
		if (kind === 'user') return this.user(relation);
		const made = await this.ask('POST', '/api/pam/remote/session', {
			body: { user: 'ana', credential: this.name, device: 'db1', protocol: 'ssh' } });
		equal(made.status, 200, `${this.name}: ${made.text}`);
		const { token } = made.json.session;
		const { id: number, session_id: id } = (await this.ask('GET', `/api/pam/remote/session/${token}`)).json.session;
		if (relation === 'ended') await this.ask('DELETE', `/api/pam/remote/session/${token}`);
		return { token, number, id };
	}

	async account(relation) {
		const account = `${this.name}-spare@db1`;
		await this.ask(relation === 'inactive' ? 'DELETE' : 'PUT', `/api/pam/credential/${account}`); // or it is so already
		return { account };
	}

	async device(relation) {
		if (relation === 'seen') return { hostname: 'db1', id: '1' };
		const hostname = `${this.name}-${count++}`;
		if (relation === 'fresh') return { hostname };
		const answer = await this.ask('POST', '/api/pam/device', { body: lines['POST device'].body({ hostname }) });
		equal(answer.status, 201, `${this.name}: ${answer.text}`);
		if (relation === 'inactive') equal((await this.ask('DELETE', `/api/pam/device/${hostname}`)).status, 200, 'deactivated');
		return { hostname, id: answer.json.device.id };
	}

	async user(relation) {
		const username = `${this.name}-${count++}`;
		if (relation === 'fresh') return { username };
		const answer = await this.ask('POST', '/api/user/related', { body: person({ username }) });
		equal(answer.status, 200, `${this.name}: ${answer.text}`);
		const { id } = answer.json.relatedUser;
		if (relation === 'inactive') equal((await this.ask('DELETE', `/api/user/related/${id}`)).status, 200, 'deactivated');
		return { username, id };
	}

	async refused() {
		await until(async () => (await this.ask('GET', '/api/pam/session/remotesessions')).status !== 200, `${this.name} to be refused`);
	}
}

export const nowhere = {
	session: { absent: { token: 'a'.repeat(64), number: '999999', id: '0'.repeat(40) }, odd: { token: 'x', number: 'x', id: 'x' } },
	credential: { absent: { credential: 'nobody', device: 'db1' } },
	account: { absent: { account: 'nobody@db1' } },
	device: { absent: { hostname: 'nowhere', id: '999999' } },
	user: { absent: { id: '999999' } },
};

// Lets the authorization expire soon, and late enough for what is to be done before; tried again where it was not.
async function soon(caller, before) {
	for (let seconds = 1.5; ; seconds *= 2) {
		const words = ['authorization', 'edit', caller.id, '--expires', new Date(Date.now() + seconds * 1000).toISOString()];
		const { error } = caller.gateway.cli(words, { raw: true, expect: null });
		if (error === '' && await before()) return;
		if (seconds > 60) throw new Error(`${caller.name} does not expire: ${error}`);
	}
}

// Who calls. `refused`: what every endpoint tells him; `token`: what the token endpoint does (200 or 401).
export const principals = {
	nobody: { keyless: true, headers: {}, refused: NOBODY },
	'a person': { keyless: true, headers: { Cookie: 'person' }, refused: NOBODY },
	'an unknown token': { keyless: true, headers: { Authorization: `Bearer ${'0'.repeat(64)}` }, refused: UNKNOWN_TOKEN },
	'another scheme': { keyless: true, headers: { Authorization: 'Digest username="ana"' }, refused: UNKNOWN_TOKEN },
	'an expired token': { name: 'stale', refused: UNKNOWN_TOKEN, token: 200, spoil: async (caller) => {
		await soon(caller, () => caller.renew()); // a token lives no longer than its authorization
		caller.cli('authorization', 'edit', caller.id, '--expires', 'never');
		await caller.refused();
	} },
	'an expired authorization': { name: 'expired', refused: NOT_AUTHORIZED, token: 401, spoil: async (caller) => {
		await soon(caller, () => true);
		await caller.refused();
	} },
	'a disabled authorization': { name: 'disabled', refused: NOT_AUTHORIZED, token: 401,
		spoil: (caller) => caller.cli('authorization', 'disable', caller.id) },
	'a disabled application': { name: 'withdrawn', refused: NOT_AUTHORIZED, token: 401,
		spoil: (caller) => caller.cli('application', 'disable', caller.application) },
	'another address': { name: 'elsewhere', refused: NOT_AUTHORIZED, token: 401,
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--ip', '192.0.2.0/24') },
	'a forged address': { name: 'forger', refused: NOT_AUTHORIZED, token: 401, headers: { 'X-Forwarded-For': '192.0.2.7' },
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--ip', '192.0.2.0/24') },
	'no referer': { name: 'unreferred', refused: [500, '1105: The http referer is not allowed'], token: 401,
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--referer', 'https://portal.example') },
	'another referer': { name: 'misreferred', refused: [500, '1105: The http referer is not allowed'], token: 401,
		headers: { Referer: 'https://portal.example.evil/' },
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--referer', 'https://portal.example') },
	'a bound token without its certificate': { name: 'bare', refused: UNKNOWN_TOKEN, token: 401, ...bound,
		spoil: (caller) => { caller.agent = undefined; } },
	'a bound token with another certificate': { name: 'impostor', refused: UNKNOWN_TOKEN, token: 401, ...bound,
		spoil: (caller) => { caller.agent = wrong.under(ASKING); } },
	'the right certificate where nobody is asked': { name: 'unasked', refused: UNKNOWN_TOKEN, token: 401, ...bound,
		spoil: (caller) => { caller.agent = right.under('localhost'); } },
	'no certificate since one is wanted': { name: 'late', refused: NOT_AUTHORIZED, token: 401,
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--fingerprint', right.fingerprint) },
	'a reader': { name: 'reader', refusedWrites: (resources) => (/pam-core/.test(resources) ? READ_ONLY : NOT_AUTHORIZED), token: 200, own: 'ended', // with the right goes the session
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--resource', rights('r')) },
	'one without the resource': { name: 'lacking', token: 200, lacks: NOT_AUTHORIZED },
	'the right one': { name: 'owner', token: 200 },
	'the right one, with its certificate': { name: 'certified', token: 200, ...bound },
	'the right one, with its certificate since one is wanted': { name: 'recertified', token: 200, agent: right.under(ASKING),
		spoil: (caller) => caller.cli('authorization', 'edit', caller.id, '--fingerprint', right.fingerprint.replaceAll(':', '').toLowerCase()) },
	'the right one, from a listed network, with a referer': { name: 'listed', token: 200, from: '127.77.0.1', headers: { Referer: 'https://portal.example/a' },
		options: () => ['--ip', '192.0.2.0/24,127.77.0.0/16', '--referer', 'https://portal.example'] },
};
