// SPDX-License-Identifier: Apache-2.0
// One strike ends the sender, never the receiver: processes that are told what they should not be, and
// processes that tell it.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import path from 'node:path';

import { stagePrograms } from '../lib/lair.mjs';
import { Gateway, build, programs } from '../lib/gateway.mjs';
import { assert, endWith, equal, story, until } from '../lib/story.mjs';

// 10^5 together. The broker writes each strike down, durably, and gets fewer.
const counts = { vault: 28000, recorder: 25000, front: 25000, witness: 17000, broker: 5000 };

function strike(name, count) {
	const child = endWith(spawn(path.join(programs, 'striker'), [name, programs, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] }));
	let said = '';
	child.stdout.on('data', (text) => (said += text));
	child.stderr.on('data', (text) => (said += text));
	return new Promise((done) => child.on('exit', (code) => done({ name, code, said })));
}

story('a hundred thousand malformed messages end whoever sends them', async () => {
	const made = spawnSync('ninja', ['-C', build, 'meson-out/striker'], { encoding: 'utf8' });
	assert(made.status === 0, made.stdout + made.stderr);
	const results = await Promise.all(Object.entries(counts).map(([name, count]) => strike(name, count)));
	equal(results.filter(({ code }) => code !== 0).map(({ said }) => said), [], 'strikers that failed');
	const total = results.reduce((sum, { said }) => sum + Number(said.match(/(\d+) said/)[1]), 0);
	assert(total >= 100000, `only ${total} were said`);
}, { seconds: 180 });

const services = ['front', 'broker', 'vault', 'recorder', 'witness'];
const pids = (gateway, names) => names.map((name) => gateway.processes(name)[0]?.pid);

// A service that turns on those it knows: ended each time, its successor is introduced, nobody else ends.
async function betrayed(traitor) {
	const directory = stagePrograms({ traitor: 'traitor' });
	const others = services.filter((name) => name !== traitor);
	const gateway = await Gateway.start({ 'witness.file': 'outside/heads' }, { programs: directory }); // honest once: it makes the keys
	try {
		await gateway.stop({ keep: true });
		rmSync(path.join(directory, `sallyport-${traitor}`));
		copyFileSync(path.join(directory, 'traitor'), path.join(directory, `sallyport-${traitor}`));
		await gateway.serve();
		const before = pids(gateway, others);
		const struck = () => gateway.log.match(new RegExp(`sallyport-${traitor} of generation 1: signal 9`, 'g'))?.length ?? 0;
		await until(() => struck() >= 4, `the ${traitor} to be ended four times`, 60000);
		equal(pids(gateway, others), before, `who lives beside a ${traitor} that turned`);
		const told = [...gateway.log.matchAll(/tells the (\w+)/g)].map((match) => match[1]);
		assert(told.length >= 4, `it told ${told}`);
		if (traitor !== 'front') equal((await gateway.request('GET', '/healthz')).status, 200, 'the front');
		if (traitor === 'broker') return;
		const rows = gateway.cli(['audit', 'list']).filter((row) => row.event === 'process.struck');
		equal(rows.every((row) => row.object === `process:${traitor}`), true, `who is on record: ${JSON.stringify(rows.map((row) => row.object))}`);
		assert(rows.length >= told.filter((name) => name === 'broker').length - 1, `${rows.length} are on record, it told ${told}`);
	} finally {
		await gateway.stop();
		rmSync(directory, { recursive: true });
	}
}

story('a service that breaks the rules is replaced, and nobody else', async () => {
	await Promise.all(services.map(betrayed));
}, { seconds: 120 });
