// SPDX-License-Identifier: Apache-2.0
// The API as its documents have it: every error of the contract, every path and encoding, both OAuths.
import OAuth from 'oauth-1.0a';
import * as oauth2 from 'oauth4webapi';
import { createHash, createHmac } from 'node:crypto';

import { Gateway } from '../lib/gateway.mjs';
import { assert, equal, story } from '../lib/story.mjs';

let gateway;
const prepared = async () => {
	if (gateway) return gateway;
	gateway = await Gateway.start({ 'api.failures': 100 });
	gateway.prepare({ device: 'db1', port: 2222, username: 'root', password: 'x', trust: false, extra: ',TELNET:2323,RDP:3389' });
	await gateway.token();
	return gateway;
};

const envelope = (status, message, error, extra = {}) => ({ code: status, response: { status, message, error, error_code: error ? 1 : 0,
	detail: '', mensagem: message, erro: error, cod_erro: error ? 1 : 0 }, tenant: 'Test', ...extra });

function checkError(answer, status, message) {
	equal(answer.status, status, `status of ${answer.text}`);
	equal(answer.json.response.message, message, 'message');
	equal(answer.json.response.mensagem, message, 'mensagem');
	equal(answer.json.code, status, 'code');
	equal([answer.json.response.error, answer.json.response.erro], [true, true], 'error flags');
	equal([answer.json.response.error_code, answer.json.response.cod_erro], [1, 1], 'error codes');
	const numbered = message.match(/^(\d{4}): /);
	if (numbered)
		equal(answer.json.exception, { code: Number(numbered[1]), message, detail: null }, 'exception');
	equal(Object.keys(answer.json).slice(0, 3), ['code', 'response', 'tenant'], 'key order');
}

story('a session is created with exactly the documented fields, in their order', async () => {
	const g = await prepared();
	const answer = await g.create();
	equal(answer.status, 200, answer.text);
	const { session_url, token } = answer.json.session;
	const expected = JSON.stringify(envelope(200, 'Session created successfully', false, { session: { session_url, token } }));
	equal(answer.text, expected, 'body');
	assert(/^[0-9a-f]{64}$/.test(token), token);
	const url = new URL(session_url);
	equal([url.origin, url.pathname], [g.base, '/modulos/auth'], 'where');
	const value = session_url.split('_sr=')[1];
	equal(value.length, 176, 'length');
	const once = Buffer.from(value, 'base64').toString();
	assert(once.startsWith('rbs:'), once);
	equal(Buffer.from(once.slice(4), 'base64').length, 96, 'random bytes');
	assert(/no-store/.test(answer.headers['cache-control']), 'cache-control');
	assert(/^application\/json/.test(answer.headers['content-type']), 'content type');
});

story('every documented path answers, in any letter case', async () => {
	const g = await prepared();
	for (const target of ['/api/pam/remote/session', '/api/remote/session', '/iso/pam/remote/session', '/iso/remote/session',
		'/API/PAM/Remote/Session', '/api/pam/remote/session/', '/Iso/remote/SESSION'])
		equal((await g.create({}, { target })).status, 200, target);
	for (const target of ['/api//pam/remote/session', '/api/pam/../pam/remote/session', '/api/pam/%2e%2e/remote/session',
		'/api/pam/remote%2fsession', '/api/pam/remote/session%00'])
		equal((await g.create({}, { target })).status, 400, target);
});

story('all four encodings are read alike', async () => {
	const g = await prepared();
	const body = g.request_body;
	const pairs = new URLSearchParams(body).toString();
	const boundary = 'xyzzy';
	const multipart = Object.entries(body).map(([name, value]) =>
		`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('') + `--${boundary}--\r\n`;
	const post = (target, type, text) => g.request('POST', target, { headers: { ...g.bearer, ...(type ? { 'Content-Type': type } : {}) },
		body: text });
	const target = '/api/pam/remote/session';
	equal((await post(target, 'application/json', JSON.stringify(body))).status, 200, 'json');
	equal((await post(target, 'application/x-www-form-urlencoded', pairs)).status, 200, 'form');
	equal((await post(target, `multipart/form-data; boundary=${boundary}`, multipart)).status, 200, 'multipart');
	equal((await post(`${target}?${pairs}`, undefined, '')).status, 200, 'query');
	equal((await post(target, 'application/json', pairs)).status, 200, 'form labelled json');
	equal((await g.create({ port: '2222' })).status, 200, 'port as text');
	equal((await g.create({ port: 2222 })).status, 200, 'port as number');
});

story('the errors of remote/session, in the order of the checks', async () => {
	const g = await prepared();
	const refused = async (change, status, message) => checkError(await g.create(change), status, message);
	await refused({ user: undefined, credential: undefined, device: undefined, protocol: undefined }, 400, 'Username not specified');
	await refused({ credential: undefined, device: undefined, protocol: undefined }, 400, 'Credential not specified');
	await refused({ device: undefined, protocol: undefined }, 400, 'Credential device not specified');
	await refused({ protocol: undefined }, 400, 'Invalid protocol');
	await refused({ user: '' }, 400, 'Username not specified');
	await refused({ protocol: 'gopher' }, 400, 'Invalid protocol');
	await refused({ protocol: 'vnc' }, 400, 'Invalid protocol');
	await refused({ user: 'nobody' }, 400, '1005: User does not exist');
	await refused({ device: 'db9' }, 400, '1011: Device not found');
	await refused({ credential: 'oracle' }, 400, '1007: Credential not found');
	await refused({ port: 2223 }, 400, 'Invalid port');
	await refused({ port: 'abc' }, 400, 'Invalid port');
	await refused({ port: 0 }, 400, 'Invalid port');
	await refused({ screensize: '1920' }, 400, 'Invalid screensize');
	await refused({ screensize: '100x100' }, 400, 'Invalid screensize');
	await refused({ screensize: '7681x4320' }, 400, 'Invalid screensize');
	await refused({ remoteAddr: 'example.org' }, 400, 'Invalid remoteAddr');
	await refused({ remoteAddr: '10.0.0.1,10.0.0.2' }, 400, 'Invalid remoteAddr');
	await refused({ remoteapp: 7 }, 400, 'RemoteApp not found');
	for (const screensize of ['320x200', '1900x1200', '7680x4320']) equal((await g.create({ screensize })).status, 200, screensize);
	equal((await g.create({ protocol: 'SSH', device: '127.0.0.1' })).status, 200, 'device by address');
});

story('a credential outside the authorization is no access', async () => {
	const g = await prepared();
	g.credential({ device: 'db1', username: 'oper', password: 'y' });
	checkError(await g.create({ credential: 'oper' }), 400, '1009: No access to credential');
});

story('unknown fields are ignored and named; doubles are refused', async () => {
	const g = await prepared();
	const answer = await g.create({ reason: 'just so', role: 'administrator' });
	equal(answer.status, 200, answer.text);
	assert(/reason/.test(answer.json.response.detail) && /role/.test(answer.json.response.detail), answer.text);
	const twice = await g.request('POST', '/api/pam/remote/session', { headers: { ...g.bearer, 'Content-Type': 'application/json' },
		body: '{"user":"ana","user":"rui","credential":"root","device":"db1","protocol":"ssh"}' });
	equal(twice.status, 400, twice.text);
	equal((await g.create({}, { target: '/api/pam/remote/session?user=rui' })).status, 400, 'two places, two values');
	equal((await g.create({}, { target: '/api/pam/remote/session?user=ana' })).status, 200, 'two places, one value');
});

story('what is malformed gets 400 with the envelope', async () => {
	const g = await prepared();
	for (const body of ['{', '{"user":"ana"', '[]', '"x"', '{"user":1e400}', '{"user":"\\ud800"}', '{"user":"a\\u0000b"}', '{"user":"\xff"}x'])
		equal((await g.request('POST', '/api/pam/remote/session', { headers: { ...g.bearer, 'Content-Type': 'application/json' }, body }))
			.status, 400, body);
	const deep = '{"a":'.repeat(40) + '1' + '}'.repeat(40);
	equal((await g.request('POST', '/api/pam/remote/session', { headers: { ...g.bearer, 'Content-Type': 'application/json' }, body: deep }))
		.status, 400, 'depth');
	const large = await g.create({ note: 'x'.repeat(70000) });
	equal(large.status, 413, large.text.slice(0, 200));
	equal(large.json.code, 413, 'envelope');
	const fields = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`X-Field-${i}`, '1']));
	equal((await g.create({}, { headers: fields })).status, 431, 'fields');
});

story('unknown paths and wrong methods', async () => {
	const g = await prepared();
	checkError(await g.request('GET', '/api/pam/nothing', { headers: g.bearer }), 404, 'Resource sub not found');
	const wrong = await g.request('PUT', '/api/pam/remote/session', { headers: g.bearer, body: {} });
	equal(wrong.status, 405, wrong.text);
	equal(wrong.headers.allow, 'POST', 'Allow');
	equal((await g.request('GET', '/api/control/user/list', { headers: g.bearer })).status, 404, 'the control door is not here');
	equal((await g.request('GET', '/control/user/list', { headers: g.bearer })).status, 404, 'nor here');
});

story('callers without, with unknown and with wrong credentials', async () => {
	const g = await prepared();
	const none = await g.request('POST', '/api/pam/remote/session', { body: g.request_body });
	equal([none.status, none.text, none.headers['www-authenticate']], [401, '{"message":"No route matched with those values."}', 'Bearer'], 'none');
	const unknown = await g.request('POST', '/api/pam/remote/session', { headers: { Authorization: `Bearer ${'0'.repeat(64)}` }, body: g.request_body });
	equal(unknown.status, 401, unknown.text);
	equal(unknown.json.error, 'invalid_token', 'error');
	assert(typeof unknown.json.message === 'string', 'message');
	assert(/^Bearer error="invalid_token"/.test(unknown.headers['www-authenticate']), 'header');
	for (const keys of [{ client_id: 'f'.repeat(41), client_secret: 'x' }, { ...g.keys, client_secret: 'wrong' }]) {
		const answer = await g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', ...keys }));
		equal([answer.status, answer.text], [401, '{"error":"invalid_client","error_description":"Client authentication failed","message":"Client authentication failed."}'], 'invalid client');
	}
});

story('tokens by form and by Basic, on both paths', async () => {
	const g = await prepared();
	for (const target of ['/iso/oauth2/token', '/api/oauth2/token']) {
		const form = await g.request('POST', target, g.form({ grant_type: 'client_credentials', ...g.keys, tenant: 'x' }));
		equal(form.status, 200, form.text);
		equal([form.json.token_type, form.json.expires_in], ['Bearer', 3600], 'shape');
		assert(/no-store/.test(form.headers['cache-control']), 'no-store');
		const basic = Buffer.from(`${g.keys.client_id}:${g.keys.client_secret}`).toString('base64');
		const answer = await g.request('POST', target, { headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' },
			body: 'grant_type=client_credentials' });
		equal(answer.status, 200, answer.text);
	}
	const other = await g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'password', ...g.keys }));
	equal([other.status, other.json.error], [400, 'unsupported_grant_type'], 'grant');
});

story('rights: read-only may not write, other resources do not help', async () => {
	const g = await prepared();
	for (const [name, resource] of [['reader', 'web-proxy-session:r'], ['core', 'pam-core:rw']]) {
		g.cli(['application', 'add', name]);
		const keys = g.cli(['authorization', 'add', '--application', name, '--resource', resource, '--credential', 'root@db1']);
		const answer = await g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', ...keys }));
		const bearer = { Authorization: `Bearer ${answer.json.access_token}` };
		checkError(await g.request('POST', '/api/pam/remote/session', { headers: bearer, body: g.request_body }), 500,
			'You are not authorized to access this resource.');
		const list = await g.request('GET', '/api/pam/session/remotesessions', { headers: bearer });
		equal(list.status, name === 'reader' ? 200 : 500, `${name} list`);
	}
});

story('address, referer, expiry and a disabled application', async () => {
	const g = await prepared();
	const make = async (name, options) => {
		g.cli(['application', 'add', name]);
		return g.cli(['authorization', 'add', '--application', name, '--resource', 'web-proxy-session:rw', '--credential', 'root@db1', ...options]);
	};
	const ask = (keys, headers = {}) => g.request('POST', '/iso/oauth2/token', {
		...g.form({ grant_type: 'client_credentials', ...keys }), headers: { ...g.form({}).headers, ...headers } });
	equal((await ask(await make('elsewhere', ['--ip', '192.0.2.0/24']))).status, 401, 'address');
	const brief = await make('over', ['--expires', new Date(Date.now() + 1500).toISOString()]);
	equal((await ask(brief)).status, 200, 'before the expiry');
	await new Promise((done) => setTimeout(done, 1600));
	equal((await ask(brief)).status, 401, 'expiry');
	const keys = await make('referred', ['--referer', 'https://portal.example/']);
	equal((await ask(keys)).status, 401, 'token without the referer');
	const token = await ask(keys, { Referer: 'https://portal.example/' });
	equal(token.status, 200, token.text);
	const bearer = { Authorization: `Bearer ${token.json.access_token}` };
	checkError(await g.request('POST', '/api/pam/remote/session', { headers: { ...bearer, Referer: 'https://evil.example/' }, body: g.request_body }),
		500, '1105: The http referer is not allowed');
	equal((await g.request('POST', '/api/pam/remote/session', { headers: { ...bearer, Referer: 'https://portal.example/' }, body: g.request_body })).status,
		200, 'with the referer');
	g.cli(['application', 'disable', 'referred']);
	assert((await g.request('POST', '/api/pam/remote/session', { headers: { ...bearer, Referer: 'https://portal.example/' }, body: g.request_body })).status !== 200,
		'a disabled application');
	equal((await ask(keys, { Referer: 'https://portal.example/' })).status, 401, 'token after disabling');
});

story('check=1 says what would happen, and makes nothing', async () => {
	const g = await prepared();
	const before = g.cli(['session', 'list']).length;
	const good = await g.create({ check: 1 });
	equal([good.status, good.json.check.allowed, good.json.session], [200, true, undefined], good.text);
	equal(good.json.check.rules.filter(({ result }) => result !== 'holds'), [], 'rules');
	const bad = await g.create({ check: true, port: 1 });
	const broken = bad.json.check.rules.find(({ result }) => result === 'broken');
	equal([bad.json.check.allowed, bad.json.check.status, broken], [false, 400, { rule: 'port', result: 'broken', message: 'Invalid port' }], bad.text);
	equal(g.cli(['session', 'list']).length, before, 'sessions');
	equal(g.cli(['audit', 'list']).filter(({ event }) => event === 'session.checked').length, 2, 'on record');
});

story('OAuth 2.0: an independent client, by form and by Basic', async () => {
	const g = await prepared();
	const over = async (url, { method, headers, body }) => {
		const answer = await g.request(method, new URL(url).pathname, { headers: Object.fromEntries(new Headers(headers)), body: body?.toString() });
		return new Response(answer.text, { status: answer.status, headers: answer.headers });
	};
	const server = { issuer: g.base, token_endpoint: `${g.base}/api/oauth2/token` };
	const client = { client_id: g.keys.client_id };
	const ask = async (authentication) => oauth2.processClientCredentialsResponse(server, client,
		await oauth2.clientCredentialsGrantRequest(server, client, authentication, {}, { [oauth2.customFetch]: over }));
	for (const authentication of [oauth2.ClientSecretPost(g.keys.client_secret), oauth2.ClientSecretBasic(g.keys.client_secret)]) {
		const token = await ask(authentication);
		equal([token.token_type, token.expires_in], ['bearer', 3600], 'token');
		const headers = { Authorization: `Bearer ${token.access_token}` };
		equal((await g.request('POST', '/api/pam/remote/session', { headers, body: g.request_body })).status, 200, 'a call with it');
	}
	const refusal = await ask(oauth2.ClientSecretPost('wrong')).catch((error) => error);
	equal([refusal.error, refusal.status], ['invalid_client', 401], 'a wrong secret, as the client reads it');
});

function oauth1(keys, algorithm) {
	return new OAuth({ consumer: { key: keys.consumer_key, secret: keys.consumer_secret },
		signature_method: algorithm === 'sha256' ? 'HMAC-SHA256' : 'HMAC-SHA1',
		hash_function: (base, key) => createHmac(algorithm, key).update(base).digest('base64') });
}

story('OAuth 1.0: header and query, both hashes, an independent client', async () => {
	const g = await prepared();
	g.cli(['application', 'add', 'signer', '--auth', 'oauth1']);
	const keys = g.cli(['authorization', 'add', '--application', 'signer', '--resource', 'web-proxy-session:rw', '--credential', 'root@db1']);
	equal(Object.keys(keys).sort(), ['consumer_key', 'consumer_secret', 'token_key', 'token_secret'], 'keys');
	const token = { key: keys.token_key, secret: keys.token_secret };
	const url = `${g.base}/api/pam/remote/session`;
	for (const algorithm of ['sha1', 'sha256']) {
		const signer = oauth1(keys, algorithm);
		const header = signer.toHeader(signer.authorize({ url, method: 'POST' }, token));
		const send = (headers, target = '/api/pam/remote/session', body = g.request_body) => g.request('POST', target, { headers, body });
		equal((await send(header)).status, 200, `${algorithm} header`);
		const again = await send(header);
		equal([again.status, again.text], [401, '{"message":"Invalid signature"}'], 'the same nonce');
		const query = signer.authorize({ url, method: 'POST' }, token);
		equal((await send({}, `/api/pam/remote/session?${new URLSearchParams(query)}`)).status, 200, `${algorithm} query`);
		const form = new URLSearchParams(g.request_body).toString();
		const formSigned = signer.toHeader(signer.authorize({ url, method: 'POST', data: { ...g.request_body } }, token));
		equal((await send({ ...formSigned, 'Content-Type': 'application/x-www-form-urlencoded' }, undefined, form)).status, 200, 'form body');
		const changed = signer.toHeader(signer.authorize({ url, method: 'POST', data: { ...g.request_body, user: 'rui' } }, token));
		equal((await send({ ...changed, 'Content-Type': 'application/x-www-form-urlencoded' }, undefined, form)).status, 401, 'another form body');
		const bad = signer.toHeader(signer.authorize({ url, method: 'POST' }, { ...token, secret: 'x' }));
		equal((await send(bad)).status, 401, 'wrong secret');
		const get = signer.toHeader(signer.authorize({ url, method: 'GET' }, token));
		equal((await send(get)).status, 401, 'another method');
	}
	const signer = oauth1(keys, 'sha1');
	const sign = (data) => {
		const values = signer.authorize({ url, method: 'POST', data }, token);
		return signer.toHeader(values);
	};
	const text = JSON.stringify(g.request_body);
	const hash = createHash('sha1').update(text).digest('base64');
	equal((await g.request('POST', '/api/pam/remote/session', { headers: { ...sign({ oauth_body_hash: hash }), 'Content-Type': 'application/json' }, body: text })).status, 200, 'body hash');
	equal((await g.request('POST', '/api/pam/remote/session', { headers: { ...sign({ oauth_body_hash: hash }), 'Content-Type': 'application/json' },
		body: text.replace('ana', 'rui') })).status, 401, 'body hash of another body');
	const old = oauth1(keys, 'sha1');
	old.getTimeStamp = () => Math.floor(Date.now() / 1000) - 400;
	equal((await g.request('POST', '/api/pam/remote/session', { headers: old.toHeader(old.authorize({ url, method: 'POST' }, token)), body: g.request_body })).status, 401, 'old timestamp');
	const bare = await g.request('POST', `/api/pam/remote/session?oauth_consumer_key=${keys.consumer_key}&oauth_token=${keys.token_key}`, { body: g.request_body });
	equal(bare.status, 401, 'keys alone are nothing');
});

story('list, show, state by token, drop', async () => {
	const g = await prepared();
	const made = await g.session();
	const list = await g.request('GET', '/api/pam/session/remotesessions', { headers: g.bearer });
	equal([list.status, list.json.response.message], [200, ''], 'list');
	const item = list.json.remote_sessions[0];
	for (const key of ['id', 'user', 'origin_ip', 'credential', 'device', 'protocol', 'proxy', 'session_id', 'start', 'end', 'time', 'prevent_purge', 'request', 'ITSM'])
		assert(key in item, `${key} is missing in ${JSON.stringify(item)}`);
	assert(typeof item.id === 'string' && /^\d+$/.test(item.id), 'ids are strings');
	equal([item.user, item.credential, item.device, item.protocol, item.proxy], ['ana', 'root', '127.0.0.1:2222', 'ssh', 'Web Proxy'], 'item');
	const one = await g.request('GET', `/api/session/remotesessions/${item.id}`, { headers: g.bearer });
	equal([one.status, one.json.remote_session.length, one.json.remote_session[0].id], [200, 1, item.id], 'show');
	checkError(await g.request('GET', '/api/pam/session/remotesessions/999999', { headers: g.bearer }), 400, '1002: Session not found');
	checkError(await g.request('GET', '/api/pam/session/remotesessions/abc', { headers: g.bearer }), 400, '1003: Unexpected identifier type');
	const state = await g.request('GET', `/api/pam/remote/session/${made.token}`, { headers: g.bearer });
	equal([state.status, state.json.session.state], [200, 'created'], 'state');
	const ended = await g.request('DELETE', `/api/pam/remote/session/${made.token}`, { headers: g.bearer });
	equal(ended.status, 200, ended.text);
	equal((await g.request('GET', `/api/pam/remote/session/${made.token}`, { headers: g.bearer })).json.session.state, 'ended', 'ended');
	await g.session();
	const second = (await g.request('GET', '/api/pam/session/remotesessions', { headers: g.bearer })).json.remote_sessions[0];
	const drop = await g.request('DELETE', `/iso/session/drop/${second.session_id}`, { headers: g.bearer });
	equal([drop.status, drop.json.response.message, drop.json.response.mensagem],
		[200, 'Session dropped successfully', 'Sessão encerrada com sucesso'], 'drop');
	checkError(await g.request('DELETE', `/api/pam/session/drop/${'0'.repeat(40)}`, { headers: g.bearer }), 500, 'An error occurred while droping session');
});

story('another application sees neither session nor token', async () => {
	const g = await prepared();
	const made = await g.session();
	g.cli(['application', 'add', 'stranger']);
	const keys = g.cli(['authorization', 'add', '--application', 'stranger', '--resource', 'web-proxy-session:rw']);
	const answer = await g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', ...keys }));
	const bearer = { Authorization: `Bearer ${answer.json.access_token}` };
	equal((await g.request('GET', '/api/pam/session/remotesessions', { headers: bearer })).json.remote_sessions, [], 'list');
	const foreign = await g.request('GET', `/api/pam/remote/session/${made.token}`, { headers: bearer });
	const absent = await g.request('GET', `/api/pam/remote/session/${'a'.repeat(64)}`, { headers: bearer });
	equal([foreign.status, foreign.json.response.message], [absent.status, absent.json.response.message], 'foreign is absent');
	assert((await g.request('DELETE', `/api/pam/remote/session/${made.token}`, { headers: bearer })).status !== 200, 'drop');
	equal((await g.request('GET', `/api/pam/remote/session/${made.token}`, { headers: g.bearer })).json.session.state, 'created', 'untouched');
});

story('settings: Message instead of mensagem, 403 instead of 500', async () => {
	const g = await Gateway.start({ 'api.message_key': 'Message', 'api.denied_status': 403 });
	try {
		g.prepare({ device: 'db1', port: 22, username: 'root', password: 'x', trust: false });
		const answer = await g.create({ user: undefined });
		equal([answer.json.response.Message, 'mensagem' in answer.json.response], ['Username not specified', false], 'key');
		g.cli(['application', 'add', 'reader']);
		const keys = g.cli(['authorization', 'add', '--application', 'reader', '--resource', 'web-proxy-session:r']);
		await g.token(keys);
		equal((await g.create()).status, 403, 'denied');
	} finally {
		await g.stop();
	}
});

story('a credential may be left out where the setting says so', async () => {
	const g = await Gateway.start({ 'api.credential_required': 'no' });
	try {
		g.prepare({ device: 'db1', port: 22, username: 'root', password: 'x', trust: false });
		equal((await g.create({ credential: undefined })).status, 200, 'selected');
		g.cli(['device', 'add', 'db2', '--ip', '127.0.0.2', '--connectivity', 'SSH:22']);
		checkError(await g.create({ credential: undefined, device: 'db2' }), 400, 'No eligible credential');
	} finally {
		await g.stop();
	}
});

story('failed logins are throttled, with Retry-After', async () => {
	const g = await Gateway.start({ 'api.failures': 5 });
	try {
		g.prepare({ device: 'db1', port: 22, username: 'root', password: 'x', trust: false });
		const bad = () => g.request('POST', '/iso/oauth2/token', g.form({ grant_type: 'client_credentials', ...g.keys, client_secret: 'no' }));
		let last;
		for (let i = 0; i < 8; i++) last = await bad();
		equal(last.status, 429, last.text);
		assert(Number(last.headers['retry-after']) > 0, 'Retry-After');
		const events = g.cli(['audit', 'list', '--limit', '500']);
		equal(events.filter((row) => row.event === 'authentication.refused').length >= 5, true, 'audited');
	} finally {
		await g.stop();
	}
});

story('every answer carries the security headers', async () => {
	const g = await prepared();
	for (const [method, target] of [['GET', '/healthz'], ['GET', '/modulos/auth?_sr=x'], ['GET', '/nothing'], ['POST', '/api/pam/remote/session'], ['GET', '/api/nothing']]) {
		const { headers } = await g.request(method, target, method === 'POST' ? { body: {} } : {});
		assert(/max-age=31536000/.test(headers['strict-transport-security'] ?? ''), `${target} HSTS`);
		equal(headers['x-content-type-options'], 'nosniff', target);
		equal(headers['referrer-policy'], 'no-referrer', target);
		equal(headers['cross-origin-opener-policy'], 'same-origin', target);
		assert(/default-src 'none'/.test(headers['content-security-policy'] ?? ''), `${target} CSP`);
		if (target.startsWith('/modulos')) assert(/require-trusted-types-for 'script'/.test(headers['content-security-policy']), 'Trusted Types');
		assert(!('access-control-allow-origin' in headers), `${target} CORS`);
	}
});

story('closes the API gateway', async () => {
	equal(gateway !== undefined, true, 'there was one');
	await gateway.stop();
	equal(gateway.process.exitCode, 0, gateway.log.slice(-500));
});
