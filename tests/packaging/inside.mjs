// SPDX-License-Identifier: Apache-2.0
// Runs as root on a machine where systemd is process 1 and Sallyport is installed from its package's
// files (boot.sh): makes an installation, starts the units, and has a session through them. Prints
// one JSON object of what it found.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, until } from '../lib/story.mjs';

const data = '/var/lib/sallyport';
const found = {};

function run(program, ...args) {
	const done = spawnSync(program, args, { encoding: 'utf8' });
	assert(done.status === 0, `${program} ${args.join(' ')}: exit ${done.status}: ${done.stderr}${done.stdout}`);
	return done.stdout.trim();
}

const show = (unit, property) => run('systemctl', 'show', unit, '--property', property, '--value');
const status = (pid, field) => readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\S+)`, 'm'))[1];
const space = (pid, kind) => readlinkSync(`/proc/${pid}/ns/${kind}`);

class Installed extends Gateway {
	constructor() {
		super();
		Object.assign(this, { program: '/usr/bin/sallyport', data, port: 443, host: 'localhost', base: 'https://localhost' });
	}

	main() {
		this.process = { pid: Number(show('sallyport.service', 'MainPID')) };
		return this.process.pid;
	}
}

// Every process of the unit: what the unit took away, it took from all of them.
function confined(gateway) {
	const uid = run('id', '-u', 'sallyport');
	const rows = [...gateway.processes(''), { pid: gateway.main(), args: 'sallyport-supervisor' }];
	for (const { pid, args } of rows) {
		// a session is copied into a user namespace of its own; what it may there is nothing here
		if (space(pid, 'user') === space(gateway.process.pid, 'user'))
			equal(['CapPrm', 'CapEff', 'CapBnd'].map((set) => status(pid, set)), Array(3).fill('0000000000000000'), `capabilities of ${args}`);
		equal(status(pid, 'NoNewPrivs'), '1', `no_new_privs of ${args}`);
		equal(status(pid, 'Seccomp'), '2', `filter of ${args}`);
		equal(status(pid, 'Uid'), uid, `uid of ${args}`);
	}
	return Object.fromEntries(rows.map(({ pid, args }) => [args.replace(/:(?! template).*/, '').trim(), { pid,
		group: readFileSync(`/proc/${pid}/cgroup`, 'utf8').match(/^0::(.*)$/m)[1] }]));
}

function install(gateway) {
	run('systemd-sysusers');
	run('systemd-tmpfiles', '--create', 'sallyport.conf');
	equal(run('stat', '-c', '%U %a', data), 'sallyport 700', 'the directory of the package');
	// a key that only this machine can open, and that lies in no file of the installation
	const key = '/etc/credstore.encrypted/sallyport-root-key';
	run('mkdir', '-p', '-m', '700', path.dirname(key));
	run('sh', '-c', `head -c 32 /dev/urandom | systemd-creds encrypt --with-key=host --name=sallyport-root-key - ${key}`);
	run('systemd-run', '--quiet', '--pipe', '--wait', '-p', `LoadCredentialEncrypted=sallyport-root-key:${key}`,
		gateway.program, '--data', data, 'init', '--tenant', 'Test', '--public-url', gateway.base, '--root-key', 'systemd-credential');
	assert(!existsSync(`${data}/vault/root.key`), 'no key file');
	equal(run('stat', '-c', '%U', `${data}/sallyport.conf`), 'sallyport', 'made for the owner');
	run('systemctl', 'start', 'sallyport.socket', 'sallyport.service'); // returns when READY=1 was said
	equal(show('sallyport.service', 'ActiveState'), 'active', 'the unit');
	gateway.main();
}

function wallsOf(gateway) {
	found.processes = confined(gateway);
	const worker = found.processes['sallyport-worker-ssh'].pid;
	for (const kind of ['user', 'pid', 'net'])
		assert(space(worker, kind) !== space(gateway.process.pid, kind), `the session has its own ${kind} namespace`);
	found.controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim();
	const group = (name) => found.processes[`sallyport-${name}`].group.split('/').pop();
	const expected = found.controllers.includes('cpu') ? ['gateway', 'gateway', 'sessions', 'sessions'] : Array(4).fill('sallyport.service');
	equal(['front', 'recorder', 'worker-ssh', 'supervisor'].map(group), expected, 'parts of the control group');
}

// Whatever ends inside is mended inside: systemd does not notice, and the session neither.
async function crash(gateway, person) {
	run('kill', '-9', String(gateway.processes('front')[0].pid));
	await person.closed;
	await until(async () => (await gateway.request('GET', '/healthz').catch(() => ({}))).status === 200, 'the front to be back');
	await person.attach();
	assert(/still here/.test(await person.run('echo still here')), 'the session lives on');
	equal(show('sallyport.service', 'NRestarts'), '0', 'restarts of the unit');
}

function afterwards(gateway) {
	const [recording] = gateway.cli(['recording', 'list']);
	gateway.cli(['recording', 'export', recording.session_id, '--format', 'text'], { raw: true });
	run('systemctl', 'stop', 'sallyport.service');
	equal([show('sallyport.service', 'Result'), show('sallyport.service', 'ActiveState')], ['success', 'inactive'], 'an ordered end');
	gateway.cli(['recording', 'verify', gateway.recordingFile(recording.session_id)]);
	equal(gateway.cli(['session', 'list']).length, 1, 'a command that starts a gateway for itself');
	const owners = readdirSync(data).map((name) => statSync(`${data}/${name}`).uid);
	equal(new Set(owners).size, 1, `owners in ${data}`);
	found.exposure = Number(run('systemd-analyze', 'security', 'sallyport.service', '--no-pager')
		.match(/exposure level for \S+: ([0-9.]+)/)[1]);
}

try {
	run('ip', 'link', 'set', 'lo', 'up');
	const gateway = new Installed();
	install(gateway);
	const target = await Sshd.start();
	gateway.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
	const person = await gateway.person();
	await person.live();
	assert(/uid=0/.test(await person.run('id')), 'a session works');
	wallsOf(gateway);
	await crash(gateway, person);
	person.type('exit\r');
	await person.over();
	await person.close();
	afterwards(gateway);
	await target.stop();
	console.log(JSON.stringify(found));
} catch (error) {
	console.log(error.stack);
	console.log(spawnSync('systemctl', ['status', '--no-pager', '-l', 'sallyport.service'], { encoding: 'utf8' }).stdout);
	process.exit(1);
}
process.exit(0);
