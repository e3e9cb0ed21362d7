// SPDX-License-Identifier: Apache-2.0
// A worker that was taken over by its target: the villain sits in the telnet worker's place, behind
// the real walls, and tries whatever the target tells it to.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, build, programs } from '../lib/gateway.mjs';
import { isRoot } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

// The gateway's programs, with the villain where the telnet worker was.
function stage() {
	const done = spawnSync('ninja', ['-C', build, 'meson-out/villain'], { encoding: 'utf8' });
	assert(done.status === 0, done.stdout + done.stderr);
	const directory = mkdtempSync(path.join(tmpdir(), 'villain-'));
	for (const name of readdirSync(programs).filter((file) => /^sallyport(-[a-z-]+)?$/.test(file)))
		copyFileSync(path.join(programs, name === 'sallyport-worker-telnet' ? 'villain' : name), path.join(directory, name));
	return directory;
}

async function plotted(owner, run) {
	const directory = stage();
	spawnSync('chmod', ['755', directory]);
	const calls = [];
	const target = net.createServer((socket) => { socket.on('error', () => {}); calls.push(socket); });
	await new Promise((done) => target.listen(0, '127.0.0.1', done));
	const gateway = await Gateway.start({}, { owner, programs: directory });
	try {
		gateway.prepare({ device: 'lair', port: target.address().port, protocol: 'TELNET', username: 'root', password: 'canary-villain', trust: false });
		await run(gateway, async () => {
			const person = await gateway.person();
			await until(() => calls.length, 'the villain to reach its target');
			const socket = calls.shift();
			await person.shows('at your service');
			return { person, order: (name) => socket.write(`${name}\n`) };
		});
	} finally {
		await gateway.stop();
		target.close();
		rmSync(directory, { recursive: true });
	}
}

async function names(summon) {
	const { person, order } = await summon();
	order('list');
	await person.shows('vault_other_key');
	await new Promise((done) => setTimeout(done, 200));
	const all = [...person.seen.matchAll(/^([a-z0-9_]+) \r?$/gm)].map((match) => match[1]);
	person.close();
	return all;
}

// Each attempt in a session of its own: most of them are the worker's last act.
async function tryAll(gateway, summon, list) {
	const away = [];
	let refused = 0;
	let died = 0;
	for (const name of list) {
		const { person, order } = await summon();
		order(name);
		await until(() => person.ended || /refused \(|GOT AWAY|is unknown/.test(person.seen), `an end of ${name}`, 30000);
		if (/GOT AWAY|is unknown/.test(person.seen)) away.push(name);
		else if (person.ended) died++;
		else refused++;
		if (!person.ended) person.close();
	}
	return { away, refused, died };
}

for (const [title, owner] of [['started as root', undefined], ['as an ordinary user', { uid: 65534, gid: 65534 }]]) {
	story(`a worker taken over by its target gets nowhere, ${title}`, async () => {
		if (owner && !isRoot) return 'skip: the other story is this one here';
		await plotted(owner, async (gateway, summon) => {
			const list = (await names(summon)).filter((name) => !['spin', 'eat_memory', 'flood_recorder'].includes(name));
			assert(list.length >= 30, `only ${list.length} attempts: ${list}`);
			const { away, refused, died } = await tryAll(gateway, summon, list);
			equal(away, [], `of ${list.length} attempts (${refused} refused, ${died} deadly)`);
			assert(died >= 20, `only ${died} were deadly`);
			const rows = gateway.cli(['audit', 'list']);
			const ends = rows.filter((row) => row.event === 'session.ended' && /WORKER_DIED/.test(JSON.stringify(row)));
			assert(ends.length >= 20, `${ends.length} deaths are audited`);
			equal((await gateway.request('GET', '/healthz')).status, 200, 'the gateway goes on');
			for (const name of ['front', 'broker', 'vault', 'recorder'])
				assert(gateway.processes(name).length === 1, `${name} is gone`);
		});
	}, { seconds: 240 });
}
