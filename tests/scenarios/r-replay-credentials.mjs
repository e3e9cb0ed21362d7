// SPDX-License-Identifier: Apache-2.0
// Credentials that an application activates and deactivates: the documented answers, compared key by key in their order,
// in every spelling of the path and every way to name one.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { equal, story } from '../lib/story.mjs';

let gateway, reader, stranger;
const prepared = async () => {
	if (gateway) return gateway;
	const g = await Gateway.start();
	g.prepare({ device: 'db1', port: 2222, username: 'root', password: 'x', trust: false });
	g.cli(['credential', 'add', '--device', 'db1', '--username', 'ana@corp', '--password-stdin'], { input: 'x' });
	const keyFile = path.join(g.data, 'key-of-a-story');
	execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyFile]);
	g.credential({ device: 'db1', username: 'keyed', keyFile });
	const bearerOf = async (application, resources, ...credentials) => {
		g.cli(['application', 'add', application]);
		await g.token(g.cli(['authorization', 'add', '--application', application, '--resource', resources,
			...credentials.flatMap((name) => ['--credential', name])]));
		return g.bearer;
	};
	reader = await bearerOf('reader', 'pam-core:r', 'root@db1');
	stranger = await bearerOf('stranger', 'pam-core:rw');
	g.portal = await bearerOf('owner', 'web-proxy-session:rw,pam-core:rw', 'root@db1', 'ana@corp@db1', 'keyed@db1');
	return (gateway = g);
};

const prefixes = ['/api/pam', '/iso/pam', '/api', '/iso', '/API/Pam'];
const success = (message) => ({ code: 200, response: { status: 200, message, error: false, error_code: 0, detail: '', mensagem: message,
	erro: false, cod_erro: 0 }, tenant: 'Test' });
const failure = (message) => ({ code: 400, response: { status: 400, message, error: true, error_code: 1, detail: '', mensagem: message,
	erro: true, cod_erro: 1 }, tenant: 'Test', exception: { code: Number(message.slice(0, 4)), message, detail: null } });
const call = (method, target, { bearer = gateway.portal, body } = {}) => gateway.request(method, target, { headers: bearer, body });
// exactly this text: keys, their order and their types
const expectText = async (method, target, expected, options) => {
	const answer = await call(method, target, options);
	equal(answer.text, JSON.stringify(expected), `${method} ${target}`);
	equal(answer.status, expected.code, `${method} ${target}: status`);
};
const rowOf = (username) => gateway.cli(['credential', 'list']).find((row) => row.username === username);

story('a credential is deactivated and activated, however it is named', async () => {
	await prepared();
	const { id, identifier } = rowOf('root');
	const names = [id, identifier, 'root@db1', 'root@DB1', 'root%40db1', `${id}?credential=${id}`, `${identifier}?credential=${identifier}`];
	for (const prefix of prefixes) {
		for (const name of names) {
			const target = `${prefix}/credential/${name}`;
			await expectText('PUT', target, failure('1043: Credential is already activated!'));
			await expectText('DELETE', target, success('Credential successfully deactivated'));
			if (name === id) equal(typeof rowOf('root').disabled_at, 'string', 'deactivated, and still there');
			await expectText('DELETE', target, failure('1008: Credential inactive'));
			await expectText('PUT', target, success('Credential successfully activated'));
			if (name === id) equal(rowOf('root').disabled_at, null, 'active');
		}
	}
	await expectText('DELETE', '/api/pam/credential/ana@corp@db1', success('Credential successfully deactivated'));
	await expectText('PUT', '/api/pam/credential/ana%40corp%40db1', success('Credential successfully activated'));
	equal((await call('DELETE', `/api/pam/credential/${id}?credential=other`)).json.response.message, 'Parameter given twice', 'another copy');
});

story('a credential answers each documented refusal', async () => {
	await prepared();
	for (const method of ['PUT', 'DELETE']) {
		for (const name of ['999999', 'nobody@db1', 'root@db9', 'nothing'])
			await expectText(method, `/api/pam/credential/${name}`, failure('1007: Credential not found'));
		await expectText(method, '/api/pam/credential/keyed@db1', failure('1010: The item is not a credential'));
		await expectText(method, '/api/pam/credential/root@db1', failure('1009: No access to credential'), { bearer: stranger });
		await expectText(method, '/api/pam/credential/root@db1', failure('1039: Without PAM Configuration Access permission'), { bearer: reader });
	}
	equal(rowOf('root').disabled_at, null, 'nothing came of it');
});

story('a session that was made with a credential ends when it is deactivated', async () => {
	const g = await prepared();
	const asked = { user: 'ana', credential: 'root', device: 'db1', protocol: 'ssh' };
	equal((await call('POST', '/api/pam/remote/session', { body: asked })).status, 200, 'a session');
	await expectText('DELETE', '/api/pam/credential/root@db1', success('Credential successfully deactivated'));
	equal(g.cli(['session', 'list']).map((session) => session.state), ['ended'], 'it ended');
	await expectText('POST', '/api/pam/remote/session', failure('1008: Credential inactive'), { body: asked });
	await expectText('PUT', '/api/pam/credential/root@db1', success('Credential successfully activated'));
	equal((await call('POST', '/api/pam/remote/session', { body: asked })).status, 200, 'another one');
});
