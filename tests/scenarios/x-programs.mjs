// SPDX-License-Identifier: Apache-2.0
// Which programs run in the life of a gateway: a tracer's list, and not one more.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, root } from '../lib/gateway.mjs';
import { Sshd, Telnetd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const known = readFileSync(path.join(root, 'tests/house/leash/executables'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
const always = ['sallyport', 'sallyport-supervisor', 'sallyport-vault', 'sallyport-recorder', 'sallyport-broker', 'sallyport-front',
	'sallyport-worker-ssh', 'sallyport-worker-telnet'];

// Follows everything, and gets out of the way: the program keeps its number, its parent and its signals.
const tracer = (file) => ['strace', '-D', '-f', '-y', '-qq', '-s', '256', '-e', 'trace=execve,execveat', '-e', 'signal=none', '-o', file];

// [{ program, variables }]: what was executed, with how much of an environment. A call in two pieces begins
// with the one that names the program.
function executed(file) {
	return readFileSync(file, 'utf8').split('\n').filter((line) => /exec(ve|veat)\(/.test(line) && !/resumed>|= -1 /.test(line)).map((line) => {
		const [, program] = line.match(/execveat\(\d+<([^>]+)>/) ?? line.match(/execve\("([^"]+)"/) ?? [];
		const variables = line.match(/\/\* (\d+) vars? \*\//) ?? (/\[(?:"[^"]*", )*"[^"]*"\], NULL|, \[\]/.test(line) ? [0, 0] : [0, NaN]);
		return { program: path.basename(program ?? line), variables: Number(variables[1]) };
	});
}

story('a gateway executes its own programs and no others', async () => {
	if (spawnSync('strace', ['-V']).error) return 'skip: no strace here';
	const directory = mkdtempSync(path.join(tmpdir(), 'sallyport-trace-'));
	const serving = path.join(directory, 'serving');
	const asking = path.join(directory, 'asking');
	const ssh = await Sshd.start();
	const telnet = isRoot ? await Telnetd.start() : undefined;
	const account = isRoot ? makeAccount() : undefined;
	const gateway = await Gateway.start({}, { wrap: tracer(serving) });
	try {
		gateway.prepare({ device: 'db1', port: ssh.port, username: ssh.username, keyFile: ssh.allow('ed25519') });
		const person = await gateway.person();
		await person.live();
		await person.run('id');
		if (telnet) {
			gateway.cli(['device', 'add', 'old1', '--ip', '127.0.0.1', '--connectivity', `TELNET:${telnet.port}`]);
			gateway.credential({ device: 'old1', username: account.name, password: account.password });
			gateway.keys = gateway.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw',
				'--credential', `${account.name}@old1`]);
			await gateway.token();
			const other = await gateway.person({ device: 'old1', credential: account.name, protocol: 'telnet' });
			await other.live();
			await other.close();
		}
		process.kill(gateway.processes('front')[0].pid, 'SIGKILL');
		await until(async () => (await gateway.request('GET', '/healthz').catch(() => ({}))).status === 200, 'the front to be back', 20000);
		gateway.cli(['recording', 'export', person.session, '--format', 'text'], { raw: true });
		await gateway.stop({ keep: true });
		// the command line on a gateway that does not run starts one for itself
		const [program, ...words] = [...tracer(asking), gateway.program, '--data', gateway.data, 'session', 'list'];
		equal(spawnSync(program, words).status, 0, 'a command without a gateway');
		await until(() => executed(asking).length >= 5, 'the trace of the command');

		const all = [...executed(serving), ...executed(asking)];
		const names = [...new Set(all.map((row) => row.program))];
		equal(names.filter((name) => !known.includes(name)), [], `programs that are not ours, of ${names}`);
		equal(always.filter((name) => !names.includes(name) && (telnet || name !== 'sallyport-worker-telnet')), [], 'programs that did not run');
		// only who is started by a person has an environment: the command, and the supervisor it becomes
		equal(all.filter(({ program: name, variables }) => !['sallyport', 'sallyport-supervisor'].includes(name) && variables !== 0), [], 'with an environment');
		assert(all.filter(({ program: name }) => name === 'sallyport-front').length >= 2, 'the front was not started twice');
	} finally {
		await gateway.stop();
		await ssh.stop();
		await telnet?.stop();
		account?.remove();
		rmSync(directory, { recursive: true });
	}
}, { seconds: 120 });
