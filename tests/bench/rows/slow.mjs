// SPDX-License-Identifier: Apache-2.0
// A person who reads 1 MB/s while the target floods, and then presses Ctrl-C.
import { Load, median, sleep, tree } from '../world.mjs';

const RATE = 1e6;

async function flood(terminal, command, seconds, root) {
	const load = new Load('slow', [RATE, seconds, command], `${terminal}\n`);
	let most = 0;
	let over = false;
	let watching;
	try {
		await load.line();
		const before = (await tree(root ?? load.process.pid, root ? 'with' : 'without')).uss_kib;
		load.process.stdin.write('\n');
		watching = (async () => {
			while (!over) {
				most = Math.max(most, (await tree(root ?? load.process.pid, root ? 'with' : 'without')).uss_kib - before);
				await sleep(250);
			}
		})();
		const flooded = await load.line();
		const stopped = await load.line();
		return { rate: flooded.bytes / seconds, seconds: stopped.seconds, bytes: stopped.bytes, growth: () => most / 1024 };
	} finally {
		over = true;
		await watching;
		await load.end();
	}
}

export async function slow(bench) {
	const { world, gateway, quick } = bench;
	const seconds = quick ? 4 : 8;
	// Nobody slows it down, so it has to last.
	const command = `while :; do cat ${world.log(64 << 20)}; done`;
	const said = { ssh: [], ours: [] };
	bench.say('a slow reader');
	for (let round = 0; round < (quick ? 2 : 3); round++) {
		said.ssh.push(await flood(world.ssh()[0], command, seconds));
		said.ours.push(await flood((await world.pages(gateway))[0], command, seconds, gateway.process.pid));
		await world.endSessions(gateway);
	}
	const middle = (list, what) => median(list.map(what));
	const ours = middle(said.ours, (one) => one.seconds);
	const beside = middle(said.ssh, (one) => one.seconds);
	bench.row({ name: 'slow reader (1 MB/s): Ctrl-C to prompt', unit: 's', ours, beside, peer: 'ssh', ratio: ours / beside,
		goal: '<= ssh', met: ours <= beside });
	const growth = middle(said.ours, (one) => one.growth());
	bench.row({ name: '  growth of memory meanwhile', unit: 'MiB', ours: growth, beside: middle(said.ssh, (one) => one.growth()),
		peer: 'ssh', goal: '<= 2 MiB', met: growth <= 2 });
}
