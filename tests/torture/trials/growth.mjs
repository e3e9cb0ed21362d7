// SPDX-License-Identifier: Apache-2.0
// Thousands of short sessions leave nothing behind: no memory, no descriptor, no process, no file.
import { Gateway } from '../../lib/gateway.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { Crowd, figures, growth, zombies } from '../lib/crowd.mjs';
import { hooked } from '../lib/hooked.mjs';
import { most } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const WARM_UP = 400;
const STEP = 100;
const KIB = 64; // for each 1,000 sessions

story('2,000 short sessions leave nothing behind', async () => {
	const shell = await Shell.start();
	const control = hooked();
	control.set({ store_small: 1 }); // its pages may fill 32 MiB: that is no growth, and would hide one
	const gateway = await Gateway.start({ 'telnet.success': '$ ', 'gateway.log_level': 'error' }, { programs: control.directory });
	const crowd = new Crowd(gateway);
	try {
		gateway.prepare({ device: 'db1', port: shell.port, protocol: 'TELNET', username: 'root', password: 'x', trust: false });
		const look = async () => {
			await until(() => figures(gateway).workers === 0, 'the workers to be gone', 30000);
			return { ...figures(gateway), done: crowd.done };
		};
		await crowd.visits(WARM_UP, 4);
		const samples = [await look()];
		while (crowd.done < WARM_UP + most(2000, 10000)) {
			await crowd.visits(STEP, 4);
			samples.push(await look());
		}
		const [first, last] = [samples[0], samples.at(-1)];
		for (const name of Object.keys(first.processes)) {
			const of = (sample) => sample.processes[name];
			const kib = 1000 * growth(samples.map((sample) => [sample.done, of(sample).kib]));
			console.log(`     ${name}: ${of(first).kib} to ${of(last).kib} KiB, ${kib.toFixed(1)} KiB for 1,000 sessions`);
			assert(kib < KIB, `the ${name} grows by ${kib.toFixed(1)} KiB in 1,000 sessions`);
			assert(of(last).fds <= of(first).fds + 1, `descriptors of the ${name}: ${of(first).fds} to ${of(last).fds}`);
			equal(of(last).threads, of(first).threads, `threads of the ${name}`);
		}
		equal(last.files, first.files, 'files beside the recordings');
		equal(zombies(gateway), 0, 'dead processes that nobody reaped');
		await until(() => shell.open.size === 0, 'the connections at the target to end');
	} finally {
		crowd.end();
		await gateway.stop();
		await shell.stop();
		control.end();
	}
}, { seconds: 1800 });
