// SPDX-License-Identifier: Apache-2.0
// Connections of people break at random, thousands of times, while their front is killed as well: not one byte of
// what the target printed, and not one of what was typed, is lost or there twice.
import { disconnect, Parrot } from '../lib/disconnects.mjs';
import { Dice, most, option } from '../lib/seed.mjs';
import { Gateway } from '../../lib/gateway.mjs';
import { equal, story } from '../../lib/story.mjs';

const SESSIONS = 6;
const settings = { 'telnet.success': '$ ', 'gateway.log_level': 'warning', 'session.reattach': 600 };

story('connections that break at random lose no byte and double none', async () => {
	const count = Number(option('count', most(10000, 100000)));
	const parrot = await Parrot.start();
	const gateway = await Gateway.start(settings);
	const began = Date.now();
	try {
		gateway.prepare({ device: 'db1', port: parrot.port, protocol: 'TELNET', username: 'root', password: 'first', trust: false });
		const done = await disconnect({ gateway, parrot, dice: (name) => new Dice(`disconnects ${name}`), count, sessions: SESSIONS });
		equal(done.breaks, count, 'broken connections');
		console.log(`     ${count} connections broken, ${done.fronts} fronts killed, ${done.seen} bytes seen, ${done.typed} typed, ` +
			`in ${((Date.now() - began) / 1000).toFixed(1)} s`);
	} finally {
		await gateway.stop();
		await parrot.stop();
	}
}, { seconds: 3600 });
