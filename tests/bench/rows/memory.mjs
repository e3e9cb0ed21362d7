// SPDX-License-Identifier: Apache-2.0
// What a gateway costs while nothing happens: empty, and with sessions at their prompts.
import { freemem } from 'node:os';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { Hold, sleep, tree } from '../world.mjs';

const TARGET_KIB = 6 * 1024; // of the target's own processes for each session
const MOST_KIB = 1.2 * 1024;

function recorded(gateway) {
	const directory = path.join(gateway.data, 'recordings');
	return existsSync(directory) ? readdirSync(directory).reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0) : 0;
}

async function plainSsh(world, sessions) {
	const hold = new Hold(8);
	try {
		await hold.open(world.ssh(sessions));
		await sleep(1000);
		return (await tree(hold.process.pid, 'without')).uss_kib / sessions;
	} finally {
		await hold.end();
	}
}

async function idle(gateway, seconds) {
	const before = await tree(gateway.process.pid);
	const size = recorded(gateway);
	const began = Date.now();
	await sleep(seconds * 1000);
	const after = await tree(gateway.process.pid);
	const passed = (Date.now() - began) / 1000;
	return { ...after, cores: (after.cpu_us - before.cpu_us) / 1e6 / passed, growth: (recorded(gateway) - size) / passed };
}

export async function memory(bench) {
	const { world, quick } = bench;
	const gateway = await world.gateway(); // one that has done nothing yet
	bench.say('an idle gateway');
	await sleep(1000);
	const empty = await idle(gateway, quick ? 5 : 20);
	if (!empty.memory_known) throw new Error('the memory of processes that are not dumpable is for root to read');
	bench.row({ name: 'idle gateway, private memory', unit: 'MiB', ours: empty.uss_kib / 1024, goal: '<= 25 MiB',
		met: empty.uss_kib <= 25 * 1024 });
	const beside = await plainSsh(world, quick ? 20 : 100);
	const hold = new Hold(8);
	try {
		let open = 0;
		for (const sessions of quick ? [100] : [100, 500, 2000]) {
			if (freemem() / 1024 < (sessions - open) * TARGET_KIB * 1.3) {
				bench.row({ name: `memory of ${sessions} idle sessions`, failed: 'the machine has too little memory for the target' });
				break;
			}
			bench.say(`${sessions} idle sessions`);
			while (open < sessions) {
				const batch = Math.min(100, sessions - open);
				await hold.open(await world.pages(gateway, batch));
				open += batch;
			}
			await sleep(3000);
			const said = await idle(gateway, quick ? 10 : 60);
			tell(bench, sessions, said, (said.uss_kib - empty.uss_kib) / sessions, beside);
		}
	} finally {
		await hold.end();
	}
	await world.stopGateway(gateway);
}

function tell(bench, sessions, said, each, beside) {
	bench.row({ name: `private memory of a session, ${sessions} idle`, unit: 'KiB', ours: each, beside, peer: 'ssh client',
		ratio: each / beside, goal: `<= ${MOST_KIB.toFixed(0)} KiB`, met: each <= MOST_KIB,
		note: `page tables in all ${(said.tables_kib / 1024).toFixed(0)} MiB, ${said.processes} processes` });
	bench.row({ name: `  CPU of ours, ${sessions} idle`, unit: 'cores', ours: said.cores,
		...(sessions === 500 ? { goal: '<= 0.005', met: said.cores <= 0.005 } : {}) });
	bench.row({ name: '  growth of one idle recording', unit: 'bytes/s', ours: said.growth / sessions, goal: '<= 4',
		met: said.growth / sessions <= 4 });
}
