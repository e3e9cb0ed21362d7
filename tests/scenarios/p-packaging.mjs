// SPDX-License-Identifier: Apache-2.0
// What is installed, how tight its units are, and that the gateway lives in them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { build, programs } from '../lib/gateway.mjs';
import { assert, equal, story } from '../lib/story.mjs';
import { boot, stage } from '../packaging/booted.mjs';

const EXPOSURE = 1.5; // of the unit that runs front and sessions, and the supervisor with them

function* files(directory, prefix = '') {
	for (const name of readdirSync(directory).sort()) {
		const at = path.join(directory, name);
		if (statSync(at).isDirectory()) yield* files(at, `${prefix}/${name}`);
		else yield `${prefix}/${name}`;
	}
}

function staged(run) {
	return async () => {
		const tree = stage();
		try {
			return await run(tree);
		} finally {
			rmSync(tree, { recursive: true, force: true });
		}
	};
}

story('what is installed is what was built, and no more', staged((tree) => {
	const built = readdirSync(programs).filter((name) => /^sallyport-[a-z-]+$/.test(name)).sort();
	const expected = ['/usr/bin/sallyport', ...built.map((name) => `/usr/libexec/sallyport/${name}`),
		'/usr/lib/systemd/system/sallyport.service', '/usr/lib/systemd/system/sallyport.socket',
		'/usr/lib/sysusers.d/sallyport.conf', '/usr/lib/tmpfiles.d/sallyport.conf',
		'/usr/share/man/man1/sallyport.1', '/usr/share/man/man5/sallyport.conf.5', '/usr/share/man/man8/sallyport-supervisor.8'];
	equal([...files(tree)].sort(), expected.sort(), 'installed files');
	for (const file of files(tree)) {
		const { mode, size } = statSync(path.join(tree, file));
		equal((mode & 0o7777).toString(8), /bin\/|libexec\//.test(file) ? '755' : '644', `mode of ${file}`);
		assert(size > 0, `${file} is empty`);
		assert(!readFileSync(path.join(tree, file)).includes(build), `${file} names the place it was built in`);
	}
	const said = spawnSync(path.join(tree, 'usr/bin/sallyport'), ['help'], { encoding: 'utf8' });
	assert(said.status === 0 && /serve/.test(said.stdout), `the installed command: ${said.stderr}`);
}));

story(`the unit scores ${EXPOSURE} or lower`, staged((tree) => {
	const unit = path.join(tree, 'usr/lib/systemd/system/sallyport.service');
	const score = (file) => spawnSync('systemd-analyze', ['security', '--offline=yes', `--threshold=${EXPOSURE * 10}`, '--no-pager', file],
		{ encoding: 'utf8' });
	const done = score(unit);
	if (done.error) return 'skip: no systemd-analyze here';
	assert(done.status === 0, done.stdout.split('\n').filter((line) => !line.startsWith('✓')).join('\n'));
	// the measure measures: one line less and it is too much
	const looser = path.join(tree, 'usr/lib/systemd/system/looser.service');
	writeFileSync(looser, readFileSync(unit, 'utf8').replace('PrivateUsers=yes\n', ''));
	assert(score(looser).status !== 0, 'a looser unit passes too');
	rmSync(looser);
}));

story('systemd finds nothing wrong with the units', staged((tree) => {
	for (const name of ['lib', 'etc', 'run']) mkdirSync(path.join(tree, name), { recursive: true });
	const names = ['sallyport.service', 'sallyport.socket'];
	const done = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', '--man=no', `--root=${tree}`,
		...names.map((name) => `/usr/lib/systemd/system/${name}`)], { encoding: 'utf8' });
	if (done.error) return 'skip: no systemd-analyze here';
	const complaints = done.stderr.split('\n').filter((line) => /sallyport/.test(line));
	equal([complaints, done.status], [[], 0], 'complaints');
	writeFileSync(path.join(tree, 'usr/lib/systemd/system/broken.service'), '[Service]\nExecStart=/usr/bin/nonesuch\nNoSuchLine=1\n');
	const broken = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${tree}`, '/usr/lib/systemd/system/broken.service'], { encoding: 'utf8' });
	assert(/nonesuch/.test(broken.stderr), `a broken unit passes too: ${broken.stderr}`);
}));

story('installed on a machine with systemd, the units run a gateway and a session', staged(async (tree) => {
	const { why, status, said } = await boot(tree, 'inside.mjs');
	if (why) return `skip: ${why}`;
	assert(status === 0, said);
	const found = JSON.parse(said.trim().split('\n').pop());
	assert(found.exposure <= EXPOSURE, `exposure ${found.exposure}`);
	assert(Object.keys(found.processes).length >= 6, JSON.stringify(found.processes));
	console.log(`     exposure ${found.exposure}, controllers: ${found.controllers || 'none'}`);
}), { seconds: 120 });
