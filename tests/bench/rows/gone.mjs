// SPDX-License-Identifier: Apache-2.0
// A browser that is gone for good: how long its shell lives on at the target.
import { until } from '../../lib/story.mjs';

const WINDOW = 5; // s: the least that may be set

const alive = (pid) => {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
};

export async function gone(bench) {
	const { world } = bench;
	const gateway = await world.gateway({ 'session.reattach': WINDOW });
	bench.say('a browser that is gone');
	const person = await gateway.person();
	await person.live();
	await person.shows(/\[bench\]\$ /);
	const pid = Number((await person.run('echo pid=$$')).match(/pid=(\d+)/)[1]);
	if (!alive(pid)) throw new Error('the shell is not a process of this machine');
	const began = Date.now();
	person.socket.terminate();
	await until(() => !alive(pid), 'the shell to end', 60000);
	const ours = (Date.now() - began) / 1000;
	bench.row({ name: `browser gone for good: shell at the target ends (window ${WINDOW} s)`, unit: 's', ours,
		goal: `<= ${WINDOW + 3} s`, met: ours <= WINDOW + 3 });
	await world.stopGateway(gateway);
}
