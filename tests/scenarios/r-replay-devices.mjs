// SPDX-License-Identifier: Apache-2.0
// The documented samples of devices, related users and remote sessions, sent as they stand in every encoding and
// spelling of the path, and the answers compared key by key in their order.
import { readFileSync } from 'node:fs';
import https from 'node:https';

import { Gateway } from '../lib/gateway.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

let gateway, reader, stranger;
const bearerOf = async (g, resources, application) => {
	g.cli(['application', 'add', application]);
	const keys = g.cli(['authorization', 'add', '--application', application, '--resource', resources]);
	await g.token(keys);
	return g.bearer;
};
const prepared = async () => {
	if (gateway) return gateway;
	const g = await Gateway.start();
	g.prepare({ device: 'db1', port: 2222, username: 'root', password: 'x', trust: false });
	reader = await bearerOf(g, 'pam-core:r', 'reader');
	stranger = await bearerOf(g, 'pam-core:rw,users:rw', 'stranger');
	g.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw']);
	g.keys = g.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw,pam-core:rw,users:rw',
		'--credential', 'root@db1']);
	await g.token();
	g.portal = g.bearer;
	return (gateway = g);
};

const prefixes = ['/api/pam', '/iso/pam', '/api', '/iso', '/API/Pam'];
const success = (status, message, entity, changed) => ({ code: status, response: { status, message, error: false, error_code: 0, detail: '',
	mensagem: message, erro: false, cod_erro: 0 }, tenant: 'Test', ...entity, ...(changed === undefined ? {} : { changed }) });
const failure = (status, message) => ({ code: status, response: { status, message, error: true, error_code: 1, detail: '', mensagem: message,
	erro: true, cod_erro: 1 }, tenant: 'Test',
	...(/^\d{4}: /.test(message) ? { exception: { code: Number(message.slice(0, 4)), message, detail: null } } : {}) });

// The same parameters in each way that clients send them.
function encodings(target, values) {
	const pairs = new URLSearchParams(values).toString();
	const boundary = 'xyzzy';
	const parts = Object.entries(values).map(([name, value]) =>
		`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('') + `--${boundary}--\r\n`;
	const typed = (type) => ({ 'Content-Type': type });
	return [
		['json', target, typed('application/json'), JSON.stringify(values)],
		['form', target, typed('application/x-www-form-urlencoded'), pairs],
		['multipart', target, typed(`multipart/form-data; boundary=${boundary}`), parts],
		['query', `${target}?${pairs}`, {}, ''],
		['form labelled json', target, typed('application/json'), pairs],
	];
}

// exactly this text: keys, their order and their types
const expectText = (answer, status, expected, what) => {
	equal(answer.text, JSON.stringify(expected), what);
	equal(answer.status, status, `${what}: status`);
};
const call = (method, target, { bearer = gateway.portal, headers = {}, body } = {}) =>
	gateway.request(method, target, { headers: { ...bearer, ...headers }, body });

const sample = { ip: '10.66.32.20', hostname: 'WebServer', model: 'DL380', type: 'Server', vendor: 'HPE', site: 'LONDON' };
const full = { ...sample, device_domain: 'corp.example', device_tags: 'web,prod', connectivities: 'HTTP:80,SSH:22,MySQL:65535',
	session_remote_config: 'HTTP::' };
const entity = (id, change = {}) => ({ id, hostname: 'WebServer', ip: '10.66.32.20', model: 'DL380', type: 'Server', vendor: 'HPE',
	site: 'LONDON', device_domain: 'corp.example', connectivities: 'HTTP:80,SSH:22,MySQL:65535', session_remote_config: 'HTTP::',
	device_tags: 'web,prod', ...change });

story('a device is registered, updated and shown as documented, however it is sent', async () => {
	const g = await prepared();
	expectText(await call('POST', '/api/pam/device', { body: full }), 400,
		failure(400, '1029: It is not possible to enter a domain that has not been previously registered'), 'an unknown domain');
	g.cli(['domain', 'add', 'corp.example']);
	equal(g.cli(['domain', 'list']).map((domain) => domain.name), ['corp.example'], 'domains');
	let answer = await call('POST', '/api/pam/device', { body: full });
	const { id } = answer.json.device;
	equal(typeof id, 'string', 'ids are texts');
	expectText(answer, 201, success(201, 'Device successfully registered!', { device: entity(id) }, 'true'), 'registered');
	for (const prefix of prefixes) {
		for (const [name, target, headers, body] of encodings(`${prefix}/device`, full)) {
			answer = await call('POST', target, { headers, body });
			expectText(answer, 201, success(201, 'Device updated successfully!', { device: entity(id) }, 'false'), `${prefix} ${name}`);
		}
		for (const name of [id, 'WebServer', 'webserver', `${id}?device=${id}`])
			expectText(await call('GET', `${prefix}/device/${name}`), 200, success(200, `Device ${id}`, { device: entity(id) }), `${prefix} ${name}`);
	}
	answer = await call('POST', '/api/pam/device', { body: { ...sample, device_tags: 'web' } });
	expectText(answer, 201, success(201, 'Device updated successfully!', { device: entity(id, { device_tags: 'web' }) }, 'true'), 'changed');
	equal((await call('GET', `/api/pam/device/${id}?device=other`)).json.response.message, 'Parameter given twice', 'another copy');
	equal((await call('GET', '/api/pam/device?limit=1&offset=1')).json.devices.length, 1, 'one of two');
	const list = await call('GET', '/api/pam/device?limit=9&since=2020-01-01T00:00:00-03:00');
	const { device_domain, connectivities, session_remote_config, device_tags, ...item } = entity(id, { device_tags: 'web' });
	equal(JSON.stringify(list.json.devices.at(-1)), JSON.stringify({ ...item, tags: 'web' }), 'item of the list');
	equal(list.json.response.message, '2 devices found', 'message');
	equal(Object.keys(list.json), ['code', 'response', 'tenant', 'devices'], 'keys');
});

story('a device answers each documented error, in the order of the complaints', async () => {
	await prepared();
	const refused = async (values, message) => {
		for (const [name, target, headers, body] of encodings('/api/pam/device', values))
			expectText(await call('POST', target, { headers, body }), 400, failure(400, message), `${name} ${message}`);
	};
	await refused({ x: '' }, '1004: The device\'s hostname was not informed').catch((error) => {
		if (!/Unknown parameters/.test(error.message)) throw error; });
	await refused({ hostname: 'a1' }, '1005: The device\'s IP was not informed');
	await refused({ hostname: 'a1', ip: '10.0.0.1' }, '1019: The device\'s site was not informed');
	await refused({ hostname: 'a1', ip: '10.0.0.1', site: 's' }, '1020: The device\'s model was not informed');
	await refused({ hostname: 'a1', ip: '10.0.0.1', site: 's', model: 'm' }, '1021: The device\'s vendor was not informed');
	await refused({ hostname: 'a1', ip: '10.0.0.1', site: 's', model: 'm', vendor: 'v' }, '1022: The device\'s type was not informed');
	await refused({ ...sample, type: '' }, '1022: The device\'s type was not informed');
	for (const [method, target] of [['POST', '/api/pam/device'], ['PUT', '/api/pam/device/WebServer'], ['DELETE', '/api/pam/device/WebServer']])
		expectText(await call(method, target, { bearer: reader, body: method === 'POST' ? sample : undefined }), 400,
			failure(400, '1039: Without PAM Configuration Access permission'), `${method} by who may only read`);
});

story('a device of somebody else is as absent as one that is not there', async () => {
	await prepared();
	const { id } = (await call('GET', '/api/pam/device/webserver')).json.device;
	for (const [method, target] of [['GET', id], ['GET', 'WebServer'], ['GET', '10.66.32.20'], ['PUT', 'WebServer'], ['DELETE', id]]) {
		const answer = await call(method, `/api/pam/device/${target}`, { bearer: stranger });
		expectText(answer, 400, failure(400, '1011: Device not found'), `${method} ${target}`);
		equal((await call(method, '/api/pam/device/absent', { bearer: stranger })).text, answer.text, 'the same for an absent one');
	}
	equal((await call('GET', '/api/pam/device', { bearer: stranger })).json.devices, [], 'its list');
});

story('a device is deactivated and activated, by id and by host name', async () => {
	const g = await prepared();
	for (const prefix of prefixes) {
		for (let again = 0; again < 2; again++)
			expectText(await call('DELETE', `${prefix}/device/WebServer`), 200, success(200, 'Device successfully deactivated', {}), `${prefix} deactivated`);
		equal((await call('GET', `${prefix}/device`)).json.response.message, '1 devices found', 'not in the list');
		expectText(await call('PUT', `${prefix}/device/webserver`), 200, success(200, 'Device successfully activated', {}), `${prefix} activated`);
		expectText(await call('PUT', `${prefix}/device/webserver`), 400, failure(400, '1044: Device is already activated'), `${prefix} again`);
	}
	expectText(await call('DELETE', '/api/pam/device/db9'), 400, failure(400, '1011: Device not found'), 'not there');
	g.cli(['device', 'disable', 'WebServer']);
	assert(g.cli(['device', 'list']).find((row) => row.hostname === 'WebServer').disabled_at, 'disabled');
	g.cli(['device', 'enable', 'WebServer']);
	g.cli(['device', 'edit', 'WebServer', '--site', 'Recife', '--connectivity', 'SSH:2200']);
	expectText(await call('GET', '/api/pam/device/webserver'), 200, success(200, 'Device 2',
		{ device: entity('2', { site: 'Recife', connectivities: 'SSH:2200', device_tags: 'web' }) }), 'edited');
	equal(g.cli(['device', 'list', '--limit', '1']).length, 1, '--limit');
});

story('related users, as documented, are the people sessions run for', async () => {
	const g = await prepared();
	const body = { username: 'dleite', name: 'Daniel Leite' };
	expectText(await call('POST', '/api/user/related', { body: {} }), 400, failure(400, "1001: Parameter 'username' was not informed!"), 'username');
	expectText(await call('POST', '/api/user/related', { body: { username: 'dleite' } }), 400,
		failure(400, "1001: Parameter 'name' was not informed!"), 'name');
	let id;
	for (const [index, [name, target, headers, text]] of encodings('/api/user/related', body).entries()) {
		const values = { ...body, username: `dleite${index || ''}` };
		const sent = encodings('/api/user/related', values)[index];
		const answer = await call('POST', sent[1], { headers: sent[2], body: sent[3] });
		id = answer.json.relatedUser.id;
		expectText(answer, 200, success(200, 'Related user successfully registered!', { relatedUser: { id, name: 'Daniel Leite',
			username: values.username } }), name);
		assert(target && headers && text !== undefined, 'an encoding');
	}
	for (const prefix of ['/api', '/iso', '/api/pam']) {
		const list = await call('GET', `${prefix}/user/related`);
		equal(list.json.response.message, '6 related users found', 'message');
		equal(Object.keys(list.json.relatedUsers[0]), ['id', 'name', 'username'], 'item');
		expectText(await call('GET', `${prefix}/user/related/${id}`), 200, success(200, `Related user ${id}`,
			{ relatedUser: { id, name: 'Daniel Leite', username: 'dleite4' } }), 'one');
	}
	expectText(await call('PUT', '/api/user/related', { body: { ...body, username: 'dl' } }), 400,
		failure(400, "1001: Parameter 'id' was not informed!"), 'id');
	for (const target of [`/api/user/related?id=${id}`, `/iso/user/related/${id}`])
		expectText(await call('PUT', target, { body: { username: 'dl', name: 'D. Leite' } }), 200, success(200, 'Related user successfully updated!',
			{ relatedUser: { id, name: 'D. Leite', username: 'dl' } }), target);
	expectText(await call('GET', '/api/user/related/999'), 400, failure(400, '1005: User does not exist'), 'unknown');
	equal((await call('POST', '/api/pam/remote/session', { body: { user: 'dl', credential: 'root', device: 'db1', protocol: 'ssh' } })).status,
		200, 'a session for one');
	expectText(await call('DELETE', `/api/user/related/${id}`), 200, success(200, 'Related user successfully deactivated', {}), 'deactivated');
	expectText(await call('DELETE', `/iso/user/related/${id}`), 200, success(200, 'Related user has already been deactivated', {}), 'again');
	equal(g.cli(['session', 'list']).map((session) => session.state), ['ended'], 'its session ended');
	expectText(await call('GET', '/api/user/related', { bearer: reader }), 500, failure(500, 'You are not authorized to access this resource.'),
		'without the resource');
});

story('both samples of remote/session, word for word', async () => {
	const g = await prepared();
	g.cli(['user', 'add', 'usuario']);
	g.cli(['domain', 'add', 'lab']);
	g.cli(['device', 'add', 'central', '--ip', '192.168.1.1', '--connectivity', 'SSH:22', '--domain', 'lab']);
	g.cli(['device', 'add', 'reached', '--ip', '192.168.1.2', '--connectivity', 'SSH:22', '--domain', 'corp.example,lab']);
	g.cli(['credential', 'add', '--device', 'central', '--username', 'credencial', '--domain', 'lab', '--password-stdin'], { input: 'x' });
	g.cli(['credential', 'add', '--device', 'central', '--username', 'usrsudonopass', '--password-stdin'], { input: 'x' });
	const keys = g.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw', '--credential',
		'credencial@central', '--credential', 'usrsudonopass@central']);
	await g.token(keys);
	const samples = [{ user: 'dleite', credential: 'usrsudonopass', device: '192.168.1.1', protocol: 'ssh' },
		{ user: 'usuario', credential: 'credencial', device: '192.168.1.1', protocol: 'SSH', remotedevice: '192.168.1.2',
			remoteAddr: '192.168.1.3', port: 22, screensize: '1920x1080' }];
	for (const values of samples) {
		for (const prefix of prefixes) {
			for (const [name, target, headers, body] of encodings(`${prefix}/remote/session`, values)) {
				const answer = await call('POST', target, { bearer: g.bearer, headers, body });
				const { session_url, token } = answer.json.session ?? {};
				expectText(answer, 200, success(200, 'Session created successfully', { session: { session_url, token } }), `${prefix} ${name}`);
				assert(/\/modulos\/auth\?_sr=[A-Za-z0-9+/]{176}$/.test(session_url) && /^[0-9a-f]{64}$/.test(token), answer.text);
			}
		}
	}
	const sent = { ...samples[1], remoteapp: 1 };
	expectText(await call('POST', '/api/pam/remote/session', { bearer: g.bearer, body: sent }), 400, failure(400, 'RemoteApp not found'), 'remoteapp');
	g.bearer = g.portal;
});

story('remote sessions are listed, shown and dropped as documented', async () => {
	const g = await prepared();
	await call('POST', '/api/pam/remote/session', { body: { user: 'ana', credential: 'root', device: 'db1', protocol: 'ssh' } });
	const item = ['id', 'user', 'origin_ip', 'credential', 'device', 'protocol', 'proxy', 'session_id', 'start', 'end', 'time',
		'prevent_purge', 'request', 'ITSM'];
	const list = await call('GET', '/api/pam/session/remotesessions');
	equal([list.json.response.message, list.json.response.mensagem], ['', ''], 'message');
	const [one] = list.json.remote_sessions;
	equal(Object.keys(one), item, 'keys of an item');
	assert(/^\d+$/.test(one.id) && /^[0-9a-f]{40}$/.test(one.session_id) && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(one.start) &&
		/^\d\d:\d\d:\d\d$/.test(one.time), JSON.stringify(one));
	equal([one.user, one.credential, one.device, one.protocol, one.proxy, one.end, one.prevent_purge, one.request, one.ITSM],
		['ana', 'root', '127.0.0.1:2222', 'ssh', 'Web Proxy', null, 'No', null, null], 'values');
	for (const prefix of prefixes) {
		equal((await call('GET', `${prefix}/session/remotesessions`)).json.remote_sessions.length, list.json.remote_sessions.length, prefix);
		for (const name of [one.id, one.session_id, one.session_id.toUpperCase()]) {
			const answer = await call('GET', `${prefix}/session/remotesessions/${name}`);
			const [shown] = answer.json.remote_session;
			expectText(answer, 200, success(200, '', { remote_session: [{ ...one, time: shown.time }] }), `${prefix} ${name}`);
		}
		expectText(await call('GET', `${prefix}/session/remotesessions/99999`), 400, failure(400, '1002: Session not found'), 'unknown');
		expectText(await call('GET', `${prefix}/session/remotesessions/x`), 400, failure(400, '1003: Unexpected identifier type'), 'no id');
	}
	const dropped = success(200, 'Session dropped successfully', {});
	dropped.response.mensagem = 'Sessão encerrada com sucesso';
	expectText(await call('DELETE', `/iso/session/drop/${one.session_id}`), 200, dropped, 'dropped');
	expectText(await call('DELETE', `/api/pam/session/drop/${one.id}`), 500, failure(500, 'An error occurred while droping session'), 'again');
	assert(g, 'a gateway');
});

const memoryOf = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]);

// A client that takes its time: the answer is read a little at a time, others call meanwhile.
function readSlowly(g, target, each) {
	return new Promise((done, fail) => {
		https.get({ host: '127.0.0.1', port: g.port, path: target, headers: { Host: g.host, ...g.portal }, rejectUnauthorized: false, agent: false,
			setHost: false }, async (answer) => {
			const chunks = [];
			try {
				for await (const chunk of answer) {
					chunks.push(chunk);
					await each(chunks.length);
				}
				done({ headers: answer.headers, json: JSON.parse(Buffer.concat(chunks).toString()) });
			} catch (error) { fail(error); }
		}).on('error', fail);
	});
}

story('a list of 20,000 devices leaves in pages, and nobody grows with it', async () => {
	const g = await prepared();
	const rows = 20000;
	await g.stop({ keep: true });
	g.sql(`INSERT INTO devices (hostname, hostname_key, ip, created_at, changed_at, model, vendor, type, site, tags, owner_authorization)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
		SELECT 'many' || i, 'many' || i, '10.1.2.3', 1, 1, 'model', 'vendor', 'type', 'site', 'tags',
		(SELECT owner_authorization FROM devices WHERE hostname_key = 'webserver') FROM n`);
	await g.serve();
	const pids = ['front', 'broker'].map((name) => g.processes(name)[0].pid);
	await call('GET', '/api/pam/device?limit=1000'); // what both need once
	const before = pids.map(memoryOf);
	const most = [...before];
	let calls = 0;
	const { headers, json } = await readSlowly(g, '/api/pam/device', async (chunk) => {
		if (chunk % 20 !== 1) return;
		pids.forEach((pid, index) => (most[index] = Math.max(most[index], memoryOf(pid))));
		equal((await call('GET', '/api/pam/device/webserver')).status, 200, 'another call, meanwhile');
		calls++;
	});
	equal(headers['transfer-encoding'], 'chunked', 'transfer coding');
	equal(json.response.message, `${rows + 2} devices found`, 'count');
	equal(json.devices.length, rows + 2, 'rows');
	equal(new Set(json.devices.map((device) => device.id)).size, rows + 2, 'each once');
	assert(calls >= 3, `${calls} calls in between`);
	most.forEach((kib, index) => assert(kib - before[index] < 3072, `${['front', 'broker'][index]} grew by ${kib - before[index]} KiB`));
	equal(g.cli(['device', 'list']).length > rows, true, 'the command line reads it whole');
});

// What sockets hold has left already: where they hold a whole list, it is asked for again.
story('a list ends when the right to it does', async () => {
	const g = await prepared();
	let ended = 'whole';
	for (let tries = 0; ended === 'whole' && tries < 10; tries++) {
		let cut = false;
		ended = await readSlowly(g, '/api/pam/device', async (chunk) => {
			if (!cut) g.cli(['application', 'disable', 'portal']);
			cut = true;
			assert(chunk < 100000, 'ends');
		}).then(() => 'whole', (error) => error.code ?? error.message);
		g.cli(['application', 'enable', 'portal']);
		await until(async () => (await call('GET', '/api/pam/device?limit=1')).status === 200, 'the right is back');
	}
	assert(ended !== 'whole', 'cut off, so that no client takes it for whole');
	await g.stop();
});
