// SPDX-License-Identifier: Apache-2.0
// The gateway starts, shows what it is, survives its own parts and ends in order.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { isRoot } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const services = ['supervisor', 'front', 'broker', 'vault', 'recorder'];
const pidOf = (gateway, name) => gateway.processes(name)[0]?.pid;

story('starts, answers, shows itself in ps, ends in order', async () => {
	const gateway = await Gateway.start();
	try {
		equal((await gateway.request('GET', '/healthz')).status, 200, 'health');
		for (const name of services.slice(1)) assert(pidOf(gateway, name), `${name} is not in ps`);
		await until(() => /^sallyport-broker: (sqlite|postgresql)/.test(gateway.processes('broker')[0].args), 'the title of the broker');
		assert(/^sallyport-vault: key 1/.test(gateway.processes('vault')[0].args), gateway.processes('vault')[0].args);
		const status = gateway.cli(['status']);
		equal(status.running, true, 'running');
		equal(status.vault.sealed, false, 'sealed');
		const words = gateway.cli(['status'], { raw: true }).out;
		assert(/gateway +running/.test(words) && /vault +open/.test(words), words);
	} finally {
		await gateway.stop({ keep: true });
	}
	equal(gateway.process.exitCode, 0, 'exit code');
	assert(!existsSync(path.join(gateway.data, 'control.sock')), 'the control socket is left');
	await gateway.stop();
});

story('as root no service stays root, and each has a uid of its own', async () => {
	if (!isRoot) return 'skip: wants root';
	const gateway = await Gateway.start();
	try {
		const uids = services.slice(1).map((name) =>
			Number(readFileSync(`/proc/${pidOf(gateway, name)}/status`, 'utf8').match(/^Uid:\t(\d+)/m)[1]));
		assert(uids.every((uid) => uid >= 1000), `uids ${uids}`);
		equal(new Set(uids).size, uids.length, 'distinct uids');
		for (const name of services.slice(1)) {
			const status = readFileSync(`/proc/${pidOf(gateway, name)}/status`, 'utf8');
			equal(status.match(/^CapEff:\t(\w+)/m)[1], '0000000000000000', `${name} capabilities`);
			equal(status.match(/^Seccomp:\t(\d)/m)[1], '2', `${name} seccomp`);
			equal(status.match(/^NoNewPrivs:\t(\d)/m)[1], '1', `${name} no_new_privs`);
		}
	} finally {
		await gateway.stop();
	}
});

story('runs as an ordinary user', async () => {
	if (!isRoot) return 'skip: is the ordinary case here';
	const gateway = await Gateway.start({}, { owner: { uid: 65534, gid: 65534 } });
	try {
		equal((await gateway.request('GET', '/healthz')).status, 200, 'health');
		equal(gateway.cli(['user', 'add', 'ana']) !== undefined, true, 'user add');
		const status = readFileSync(`/proc/${pidOf(gateway, 'vault')}/status`, 'utf8');
		equal(status.match(/^Seccomp:\t(\d)/m)[1], '2', 'vault seccomp');
	} finally {
		await gateway.stop();
	}
});

for (const name of ['front', 'broker', 'vault', 'recorder']) {
	story(`a killed ${name} is back within two seconds`, async () => {
		const gateway = await Gateway.start();
		try {
			gateway.prepare({ device: 'db1', port: 22, username: 'root', password: 'x', trust: false });
			const before = pidOf(gateway, name);
			process.kill(before, 'SIGKILL');
			const start = Date.now();
			await until(async () => {
				const pid = pidOf(gateway, name);
				if (!pid || pid === before) return false;
				gateway.bearer = undefined;
				return (await gateway.create().catch(() => ({}))).status === 200;
			}, `a new ${name} that answers`, 4000);
			assert(Date.now() - start < 2000, `took ${Date.now() - start} ms`);
		} finally {
			await gateway.stop();
		}
	});
}

story('a second gateway on the same installation is refused', async () => {
	const gateway = await Gateway.start();
	try {
		const answer = gateway.cli(['serve', '--listen', '127.0.0.1:1'], { raw: true, expect: 1 });
		assert(/already running/.test(answer.error), answer.error);
	} finally {
		await gateway.stop();
	}
});

story('a wrong setting is named with its line', async () => {
	const gateway = await Gateway.start();
	await gateway.stop({ keep: true });
	writeFileSync(path.join(gateway.data, 'sallyport.conf'), '[gateway]\ntenant = T\n[ticket]\nlifetme = 30\n');
	const answer = gateway.cli(['serve'], { raw: true, expect: 1 });
	assert(/line 4/.test(answer.error) && /lifetme/.test(answer.error), answer.error);
	await gateway.stop();
});

story('init refuses a directory that is an installation already', async () => {
	const gateway = await Gateway.start();
	try {
		const answer = gateway.cli(['init'], { raw: true, expect: 1 });
		assert(/already/.test(answer.error), answer.error);
		const mode = statSync(path.join(gateway.data, 'vault', 'root.key')).mode & 0o777;
		equal(mode, 0o600, 'mode of root.key');
	} finally {
		await gateway.stop();
	}
});

story('a passphrase seals the vault until it is given', async () => {
	const gateway = await Gateway.start({}, { init: ['--passphrase-stdin'], input: 'correct horse battery' });
	try {
		equal(gateway.cli(['status']).vault.sealed, true, 'sealed at start');
		gateway.cli(['unseal'], { input: 'wrong horse', expect: 1 });
		equal(gateway.cli(['status']).vault.sealed, true, 'sealed after a wrong passphrase');
		gateway.cli(['unseal'], { input: 'correct horse battery' });
		equal(gateway.cli(['status']).vault.sealed, false, 'open');
	} finally {
		await gateway.stop();
	}
});

story('the command line works on a stopped gateway', async () => {
	const gateway = await Gateway.start();
	await gateway.stop({ keep: true });
	gateway.cli(['user', 'add', 'rui', '--name', 'Rui Costa']);
	equal(gateway.cli(['user', 'list']).map((user) => user.login), ['rui'], 'users');
	const usage = gateway.cli(['user', 'add'], { raw: true, expect: 2 });
	assert(/LOGIN/.test(usage.error), usage.error);
	equal(gateway.cli(['user', 'add', 'rui'], { raw: true, expect: 1 }).error.includes('taken'), true, 'taken');
	assert(spawnSync('pgrep', ['-f', `--data ${gateway.data}`], { encoding: 'utf8' }).stdout === '', 'a process is left');
	await gateway.stop();
});
