// SPDX-License-Identifier: Apache-2.0
// Who may do what to which object, every cell: each endpoint of the table with each caller and each relation
// between the two (tests/lib/rights.mjs). What is expected is written there, and not taken from the gateway.
import { Gateway } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { ASKING, Caller, endpointTable, holes, lineOf, lines, nowhere, principals, rights } from '../lib/rights.mjs';
import { assert, equal, story } from '../lib/story.mjs';

const PREFIXES = ['/api/pam/', '/api/', '/iso/pam/', '/iso/'];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
// What a caller may claim besides; nothing of it is believed.
const claims = (owner) => ({ role: 'administrator', tenant: 'Other', owner: owner.id, authorization: owner.id, used: 0 });

let world;
async function prepared() {
	if (world) return world;
	const table = endpointTable();
	// what nobody opens must not end before the last row
	const gateway = await Gateway.start({ 'api.client_certificates': ASKING, 'ticket.lifetime': 300 });
	world = { table, gateway, callers: {} };
	gateway.cli(['user', 'add', 'ana']);
	gateway.cli(['device', 'add', 'db1', '--ip', '127.0.0.1', '--connectivity', 'SSH:22']);
	const begin = (name, options) => new Caller(gateway, name).begin(options);
	world.sibling = await begin('sibling', { application: 'owner' });
	world.foreign = await begin('stranger');
	for (const [who, { name, options, headers, from, agent, keyless }] of Object.entries(principals))
		world.callers[who] = keyless ? Object.assign(new Caller(gateway, who), { headers, keys: {} }) :
			await begin(name, { options: options?.(), headers, from, agent });
	world.owner = world.callers['the right one'];
	const person = new Person(gateway);
	await person.open((await world.owner.ask('POST', '/api/pam/remote/session', { body: { user: 'ana', credential: 'owner', device: 'db1', protocol: 'ssh' } }))
		.json.session.session_url);
	world.callers['a person'].headers = { Cookie: person.cookie };
	for (const [who, { keyless, spoil, own }] of Object.entries(principals)) {
		const caller = world.callers[who];
		if (keyless) continue;
		caller.kept = {};
		for (const kind of KINDS) caller.kept[kind] = await caller.make(kind);
		for (const kind of own ? ['device', 'user'] : [])
			for (const relation of ['inactive', 'seen']) caller.kept[`${kind} ${relation}`] = await caller.make(kind, relation);
		if (spoil) await spoil(caller);
		caller.ownIs = own;
	}
	return world;
}

// An address of its own for each row, or strangers would use up the tries of one another.
const addressOf = (row, column) => `127.${row + 1}.${column + 1}.1`;
const said = ({ json, text }) => json?.response?.message ?? json?.message ?? text;
const plain = ({ status, headers, text }) => [status, text, Object.entries(headers).filter(([name]) => !['date', 'x-request-id'].includes(name))];
const refusalOf = ({ refused, refusedWrites }, { need, resources }) => refused ?? (need === 'write' ? refusedWrites?.(resources) : undefined);
const KINDS = ['session', 'credential', 'account', 'device', 'user'];
const agrees = (message, expected) => (expected instanceof RegExp ? expected.test(message) : message === expected);

// The object in this relation to who asks: with it, whether there is one, its own or another's.
async function objectFor(line, relation, caller, refused) {
	const { kind } = line;
	if (nowhere[kind][relation]) return nowhere[kind][relation];
	if (relation === 'sibling' || relation === 'foreign') return world[relation].make(kind);
	if (!caller.id) return world.owner.kept[kind]; // he has none; he tries another's
	if (!refused && caller.ownIs) return caller.kept[`${kind} ${relation}`] ?? caller.kept[kind]; // made before it could not any more
	return refused ? caller.kept[kind] : caller.make(kind, relation);
}

const ownIsOver = (caller, { kind }) => caller.ownIs !== undefined && kind === 'session';
const targetOf = (where, line, object) => `/api/pam/${line.segment ? where.replace('{}', encodeURIComponent(object[line.segment])) : where}`;

function send(caller, { method, path: where }, line, object, localAddress) {
	const more = claims(world.owner);
	const target = targetOf(where, line, object);
	if (method === 'GET' || method === 'DELETE')
		return caller.ask(method, `${target}?${new URLSearchParams(more)}`, { localAddress });
	return caller.ask(method, target, { body: { ...line.body?.(object, { user: 'ana' }), ...more }, localAddress });
}

async function checkCell(endpoint, line, who, relation, localAddress) {
	const caller = world.callers[who];
	const refusal = refusalOf(principals[who], endpoint);
	const object = await objectFor(line, relation, caller, refusal);
	const answer = await send(caller, endpoint, line, object, localAddress);
	const place = `${lineOf(endpoint)}, ${who}, ${relation}`;
	const expected = refusal ?? line.expect[ownIsOver(caller, line) && relation === 'own' ? caller.ownIs : relation];
	equal(answer.status, expected[0], `${place}: ${answer.text}`);
	assert(agrees(said(answer), expected[1]), `${place}: ${answer.text}`);
	if (refusal) equal([answer.json.session, answer.json[line.kind]], [undefined, undefined], place);
	else if (line.shows) {
		const shown = !(ownIsOver(caller, line) && relation === 'own') && line.shown.includes(relation);
		equal(line.shows(answer.json).includes(object[line.key]), shown, `${place}: shown`);
	}
	return answer;
}

async function checkRow(endpoint, line, who, localAddress) {
	const answers = {};
	for (const relation of Object.keys(line.expect))
		answers[relation] = await checkCell(endpoint, line, who, relation, localAddress);
	if (answers.absent && answers.foreign && !line.shared)
		for (const other of ['sibling', 'foreign'])
			equal(plain(answers[other]), plain(answers.absent), `${lineOf(endpoint)}, ${who}: ${other} is absent`);
	return Object.keys(answers).length;
}

async function checkToken(who, localAddress) {
	const { token = 401, keyless } = principals[who];
	const caller = world.callers[who];
	const answer = keyless ? await caller.ask('POST', '/iso/oauth2/token', { ...world.gateway.form({ grant_type: 'client_credentials' }), localAddress })
		: await caller.token(caller.from ?? localAddress);
	equal([answer.status, answer.json.error], [token, token === 200 ? undefined : 'invalid_client'], `oauth2/token, ${who}`);
	return 1;
}

// Everything but what this endpoint asks for.
function withdraw({ resources }) {
	const caller = world.callers['one without the resource'];
	caller.cli('authorization', 'edit', caller.id, '--resource', rights('rw', resources.split(',').map((name) => name.split(':')[0])));
}

story('rights: an endpoint without a line, and a line without an endpoint, are holes', async () => {
	const { table } = await prepared();
	equal(holes(table), [], 'holes');
	const invented = { door: 'api', method: 'GET', path: 'invented/{}', need: 'read', resources: 'pam-core:r' };
	equal(holes([...table, invented]), ['GET invented/{} has no line'], 'an endpoint more');
	equal(holes(table.slice(1)), [`${lineOf(table[0])} is no endpoint`], 'an endpoint less');
	for (const { door, need, resources, path: where } of table)
		assert(door === 'control' || need === 'nobody' || resources !== '', `${where} asks for no right`);
});

story('rights: every endpoint, every caller, every object', async () => {
	const { table, callers, owner } = await prepared();
	let cells = 0;
	for (const [row, endpoint] of table.filter(({ door }) => door === 'api').entries()) {
		const line = lines[lineOf(endpoint)];
		if (!line.token) withdraw(endpoint);
		const check = line.token ? (who, address) => checkToken(who, address)
			: (who, address) => (principals[who].lacks ? checkRowLacking : checkRow)(endpoint, line, who, address);
		// beside one another: what each has of its own is nobody else's
		const counts = await Promise.all(Object.keys(callers).map((who, column) => check(who, addressOf(row, column))));
		cells += counts.reduce((sum, count) => sum + count, 0);
	}
	const { session, device, user } = owner.kept; // what strangers reached for
	equal((await owner.ask('GET', `/api/pam/remote/session/${session.token}`)).json.session.state, 'created', 'session');
	assert((await owner.ask('GET', '/api/pam/device')).json.devices.some(({ id }) => id === device.id), 'device');
	assert((await owner.ask('GET', '/api/user/related')).json.relatedUsers.some(({ id }) => id === user.id), 'user');
	const expected = table.filter(({ door }) => door === 'api').map((one) => Object.keys(lines[lineOf(one)].expect ?? { one }).length)
		.reduce((sum, count) => sum + count * Object.keys(principals).length, 0);
	equal(cells, expected, 'cells asserted');
}, { seconds: 120 });

async function checkRowLacking(endpoint, line, who, localAddress) {
	const caller = world.callers[who];
	for (const relation of Object.keys(line.expect)) {
		const object = await objectFor(line, relation, caller, true);
		const answer = await send(caller, endpoint, line, object, localAddress);
		equal([answer.status, said(answer)], principals[who].lacks, `${lineOf(endpoint)}, ${who}, ${relation}`);
	}
	return Object.keys(line.expect).length;
}

const matches = (pattern, where) => new RegExp(`^${pattern.replaceAll('{}', '[^/]+')}$`).test(where);

story('rights: what the administrator asks has no door here, whoever knocks', async () => {
	const { table, callers, owner } = await prepared();
	const network = table.filter(({ door }) => door === 'api');
	for (const { method, path: where } of table.filter(({ door }) => door === 'control')) {
		const taken = network.some(({ path: pattern }) => matches(pattern, where));
		for (const prefix of PREFIXES) {
			const answer = await owner.ask(method, `${prefix}${where}`, method === 'POST' ? { body: {} } : {});
			if (!taken) equal([answer.status, said(answer)], [404, 'Resource sub not found'], `${method} ${prefix}${where}`);
			else assert(!said(answer).match(/added|disabled|enabled/), `${method} ${prefix}${where}: ${answer.text}`);
		}
		for (const [column, who] of Object.keys(callers).entries()) {
			if (taken) continue;
			const answer = await callers[who].ask(method, `/control/${where}`, { localAddress: addressOf(200, column), ...method === 'POST' ? { body: {} } : {} });
			equal(answer.status, 404, `${who}: ${method} /control/${where}`);
		}
	}
});

story('rights: a method that no endpoint takes is none, on every path', async () => {
	const { table, owner } = await prepared();
	const network = table.filter(({ door }) => door === 'api');
	for (const where of new Set(network.map(({ path: one }) => one))) {
		const taken = network.filter(({ path: one }) => one === where).map(({ method }) => method);
		for (const method of METHODS.filter((one) => !taken.includes(one))) {
			const answer = await owner.ask(method, `/api/pam/${where.replaceAll('{}', '1')}`, ['GET', 'DELETE'].includes(method) ? {} : { body: {} });
			equal(answer.status, 405, `${method} ${where}: ${answer.text}`);
			equal(answer.headers.allow.split(', ').sort(), [...taken].sort(), `${method} ${where}: Allow`);
		}
	}
});

story('closes the gateway of the rights', async () => {
	const { gateway } = await prepared();
	await gateway.stop();
	equal(gateway.process.exitCode, 0, gateway.log.slice(-500));
});
