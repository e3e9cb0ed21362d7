// SPDX-License-Identifier: Apache-2.0
// Targets that are hostile: every attack in a session of its own, beside an honest one.
import { Field } from '../hostile/field.mjs';
import { SshServer, hostKey } from '../hostile/ssh-server.mjs';
import { sshAttacks } from '../hostile/ssh-attacks.mjs';
import { telnetAttacks } from '../hostile/telnet-attacks.mjs';
import { TelnetServer } from '../hostile/telnet-server.mjs';
import { assert, equal, story } from '../lib/story.mjs';

const key = hostKey();
const kinds = {
	ssh: { attacks: sshAttacks, least: 60, serve: (socket, attack) => new SshServer(socket, attack?.key ?? key, attack?.script) },
	telnet: { attacks: telnetAttacks, least: 50, serve: (socket, attack) => new TelnetServer(socket, attack?.script) },
};

async function meet([protocol, { attacks, least, serve }]) {
	const field = await Field.start({ protocol, serve });
	try {
		assert(new Set(attacks.map(({ name }) => name)).size >= least, `only ${attacks.length} attacks`);
		equal(await field.attackAll(attacks), [], `of ${attacks.length} attacks over ${protocol}`);
		await field.check();
		console.log(`     ${attacks.length} attacks over ${protocol}; a worker had at most ${field.peak} KiB`);
	} finally {
		await field.stop();
	}
}

story('hostile SSH and Telnet servers harm nobody', async () => {
	await Promise.all(Object.entries(kinds).map(meet));
}, { seconds: 240 });
