// SPDX-License-Identifier: Apache-2.0
// Honest sessions with a target whose words are changed on the way, a hundred thousand of each protocol; and ten
// million malformed messages to each process of the gateway. To run one of them again: --seed S --from 4711 --count 1
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';

import { build, programs } from '../../lib/gateway.mjs';
import { assert, equal, story } from '../../lib/story.mjs';
import { Field } from '../../hostile/field.mjs';
import { sshScript, telnetScript } from '../../hostile/mutation.mjs';
import { SshServer, hostKey } from '../../hostile/ssh-server.mjs';
import { TelnetServer } from '../../hostile/telnet-server.mjs';
import { Dice, count as asked, from as first, full, most, seed } from '../lib/seed.mjs';

const count = Number(asked ?? most(40, 100000));
const key = hostKey();
const other = hostKey();
const kinds = {
	ssh: { script: sshScript, serve: (socket, attack) => new SshServer(socket, attack?.key ?? key, attack?.script) },
	telnet: { script: telnetScript, serve: (socket, attack) => new TelnetServer(socket, attack?.script) },
};

async function mutated(protocol) {
	const { script, serve } = kinds[protocol];
	const field = await Field.start({ protocol, serve, settings: { 'session.login_timeout': 3, 'gateway.log_level': 'info' } });
	try {
		const attacks = Array.from({ length: count }, (_, at) => {
			const name = `${protocol} ${seed}:${first + at}`;
			// one in ten has another key: it never sees the credential, nor who spoiled its proof; others once
			const stranger = protocol === 'ssh' && at % 10 === 9;
			const attack = { name, or: 'ends', ends: /./, answers: false, script: script(new Dice(name)), key: stranger ? other : undefined };
			Object.defineProperty(attack, 'learns', { get: () => (stranger || attack.script.proof === false ? 0 : 1) });
			return attack;
		});
		const start = Date.now();
		equal(await field.attackAll(attacks), [], `of ${count} mutated sessions`);
		const rate = (count * 1000 / (Date.now() - start)).toFixed(1);
		const lived = field.results.filter(({ words }) => /ended by its user/.test(words ?? '')).length;
		await field.check({ crashes: 'audited', share: count > 1000 ? 50 : 4 });
		console.log(`     ${protocol}: ${count} sessions, ${lived} lived, ${field.crashes} crashed, ${rate}/s; a worker had at most ${field.peak} KiB`);
	} finally {
		await field.stop();
	}
}

story(`targets whose words are changed on the way, ${count} of each protocol`, async () => {
	await Promise.all(Object.keys(kinds).map(mutated));
}, { seconds: 120 + count });

if (full) {
	story('ten million malformed messages to each process', async () => {
		const made = spawnSync('ninja', ['-C', build, 'meson-out/striker'], { encoding: 'utf8' });
		assert(made.status === 0, made.stdout + made.stderr);
		for (const [name, messages] of Object.entries({ vault: 1e7, recorder: 1e7, front: 1e7, witness: 1e7, broker: 1e6 })) {
			const child = spawn(path.join(programs, 'striker'), [name, programs, String(messages), String(seed)], { stdio: 'inherit' });
			equal(await new Promise((done) => child.on('exit', done)), 0, `the ${name}`);
		}
	}, { seconds: 4 * 3600 });
}
