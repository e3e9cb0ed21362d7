// SPDX-License-Identifier: Apache-2.0
// From the POST that spends the URL to the first prompt, beside ssh with the same key exchange.
import { Hold, median, quantile, sleep, tree } from '../world.mjs';

const AT_A_TIME = 8;

async function open(terminals, atATime, root, which) {
	const hold = new Hold(atATime);
	try {
		const measured = root ?? hold.process.pid;
		const before = await tree(measured, which);
		const said = await hold.open(terminals);
		await sleep(300);
		const after = await tree(measured, which);
		return { p50: quantile(said.ms, 0.5), per_second: terminals.length / said.seconds,
			cpu: (after.cpu_us - before.cpu_us) / 1000 / terminals.length };
	} finally {
		await hold.end();
	}
}

async function rounds(bench, count, atATime, times) {
	const { world, gateway } = bench;
	const said = { ssh: [], ours: [] };
	for (let round = 0; round < times; round++) {
		said.ssh.push(await open(world.ssh(count), atATime, undefined, 'without'));
		said.ours.push(await open(await world.pages(gateway, count), atATime, gateway.process.pid, 'with'));
		await world.endSessions(gateway);
	}
	return (field) => ({ ours: median(said.ours.map((one) => one[field])), beside: median(said.ssh.map((one) => one[field])),
		ratio: median(said.ours.map((one, i) => one[field] / said.ssh[i][field])) });
}

export async function opening(bench) {
	const { quick } = bench;
	bench.say('opening, one at a time');
	const single = (await rounds(bench, quick ? 10 : 20, 1, quick ? 2 : 5))('p50');
	bench.row({ name: 'opening: POST to first prompt, p50', unit: 'ms', ...single, peer: 'ssh', goal: '<= 1.05 x ssh',
		met: single.ratio <= 1.05 });

	bench.say(`opening, ${AT_A_TIME} at a time`);
	const many = await rounds(bench, quick ? 40 : 80, AT_A_TIME, quick ? 2 : 3);
	const rate = many('per_second');
	const cpu = many('cpu');
	bench.row({ name: `  opened, ${AT_A_TIME} at a time`, unit: '/s', ...rate, peer: 'ssh', goal: '>= ssh', met: rate.ratio >= 1 });
	bench.row({ name: '  CPU of ours for each', unit: 'ms', ...cpu, peer: 'ssh', goal: '<= 12 ms', met: cpu.ours <= 12 });
}
