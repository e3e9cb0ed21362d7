// SPDX-License-Identifier: Apache-2.0
// From a key to its echo, added to plain ssh: alone, and while many sessions print.
import { Hold, load, median, quantile, sleep, tree } from '../world.mjs';

const PAUSE = 12; // ms between keys

async function press(terminal, keys) {
	const times = await load('keys', [keys, PAUSE], terminal);
	return { p50: quantile(times, 0.5) / 1000, p99: quantile(times, 0.99) / 1000 };
}

// Both sides in turn; what ours adds is taken inside each round.
async function rounds(count, sides) {
	const said = { ssh: [], ours: [] };
	for (let round = 0; round < count; round++)
		for (const name of ['ssh', 'ours']) said[name].push(await sides[name]());
	const middle = (what) => ({ ours: median(said.ours.map(what)), beside: median(said.ssh.map(what)),
		added: median(said.ours.map((one, i) => what(one) - what(said.ssh[i]))) });
	return { p50: middle((one) => one.p50), p99: middle((one) => one.p99), cores: middle((one) => one.cores ?? 0) };
}

function tell(bench, name, said, most) {
	for (const [which, limit] of Object.entries(most)) {
		const { ours, beside, added } = said[which];
		bench.row({ name: `${name}, ${which}`, unit: 'ms', ours, beside, peer: 'ssh', added,
			goal: `+ <= ${limit} ms`, met: added <= limit });
	}
}

export async function keys(bench) {
	const { world, gateway, quick } = bench;
	const count = quick ? 120 : 200;

	bench.say('keys, one session');
	const alone = await rounds(quick ? 3 : 5, {
		ssh: () => press(world.ssh()[0], count),
		ours: async () => press((await world.pages(gateway))[0], count) });
	await world.endSessions(gateway);
	tell(bench, 'key to echo', alone, { p50: 0.15, p99: 1 });
}

// So many sessions, each printing `bytes` every `pause` ms.
async function amongBusy(bench, sessions, bytes, pause, times) {
	const { world, gateway, quick } = bench;
	const side = async (terminals, one, root, which) => {
		const hold = new Hold(8, world.chatter(bytes, pause));
		try {
			await hold.open(terminals);
			await sleep(2000);
			const before = await tree(root ?? hold.process.pid, which);
			const began = Date.now();
			const said = await press(one, quick ? 120 : 200);
			const after = await tree(root ?? hold.process.pid, which);
			said.cores = (after.cpu_us - before.cpu_us) / 1000 / (Date.now() - began);
			return said;
		} finally {
			await hold.end();
		}
	};
	return rounds(times, {
		ssh: () => side(world.ssh(sessions), world.ssh()[0], undefined, 'without'),
		ours: async () => {
			const pages = await world.pages(gateway, sessions + 1);
			const said = await side(pages.slice(1), pages[0], gateway.process.pid, 'with');
			await world.endSessions(gateway);
			return said;
		} });
}

export async function busy(bench) {
	const sizes = bench.quick ? [[100, 2048, 100, 1]] : [[100, 2048, 100, 3], [500, 1024, 500, 2]];
	for (const [sessions, bytes, pause, times] of sizes) {
		bench.say(`keys, among ${sessions} busy sessions`);
		const said = await amongBusy(bench, sessions, bytes, pause, times);
		tell(bench, `key to echo among ${sessions} busy sessions`, said, { p50: 0.3, p99: 1 });
		const { ours, beside } = said.cores;
		bench.row({ name: `  CPU meanwhile (each prints ${bytes / 1024} KiB every ${pause} ms)`, unit: 'cores', ours, beside,
			peer: 'ssh', ratio: ours / beside });
	}
}
