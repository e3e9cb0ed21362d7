// SPDX-License-Identifier: Apache-2.0
// Targets that are hostile: every attack in a session of its own, beside an honest one.
import { Field } from '../hostile/field.mjs';
import { SshServer, hostKey } from '../hostile/ssh-server.mjs';
import { sshAttacks } from '../hostile/ssh-attacks.mjs';
import { telnetAttacks } from '../hostile/telnet-attacks.mjs';
import { TelnetServer } from '../hostile/telnet-server.mjs';
import { ESCAPES } from '../lib/escapes.mjs';
import { FRAME } from '../lib/person.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

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

// The only bytes a target can make come back without a key being pressed: src/worker/report.c.
const REPORTS = /^(\x1b\[0n|\x1b\[\?62;22c|\x1b\[>0;0;0c|\x1b\[\??\d{1,5};\d{1,5}R)*$/;
const report = (type, zero, row, column, end) => {
	const payload = Buffer.alloc(8);
	payload.writeUInt8(type, 0);
	payload.writeUInt8(zero, 1);
	[row, column, end].forEach((value, at) => payload.writeUInt16LE(value, 2 + at * 2));
	return payload;
};

story('of two hundred sequences nothing comes back but reports', async () => {
	const typed = [];
	const script = { onTyped: (server, bytes) => { typed.push(Buffer.from(bytes)); } };
	const field = await Field.start({ protocol: 'ssh', serve: (socket, attack) => new SshServer(socket, key, attack ? script : undefined) });
	try {
		const attack = {};
		const person = await field.gateway.person({ port: await field.listen(attack) });
		await person.live();
		const target = attack.server.heard[0];
		assert(ESCAPES.length >= 200, `only ${ESCAPES.length}`);
		for (const [at, sequence] of ESCAPES.entries()) target.data(Buffer.from(`${sequence}<${at}>`, 'utf8'));
		await person.shows(`<${ESCAPES.length - 1}>`);
		equal(Buffer.concat(typed).toString('latin1'), '', 'bytes that nobody typed');

		// a page answers what it may, with whatever numbers it likes
		for (let type = 1; type <= 5; type++)
			for (const place of [0, 1, 80, 65535]) person.send(FRAME.REPORT, report(type, 0, place, 65535 - place, 0));
		person.type('end');
		await until(() => Buffer.concat(typed).includes('end'), 'the reports to arrive');
		const back = Buffer.concat(typed).toString('latin1').replace(/end$/, '');
		assert(REPORTS.test(back) && back.length > 100, `came back: ${JSON.stringify(back)}`);

		person.send(FRAME.END);
		await person.over();
		field.results.push({ name: 'two hundred sequences', session: person.session, read: true });

		// what is no report of the table ends the session of whoever sends it, and is not typed
		for (const payload of [report(0, 0, 1, 1, 0), report(6, 0, 1, 1, 0), report(255, 0, 1, 1, 0), report(2, 1, 1, 1, 0), report(2, 0, 1, 1, 7), Buffer.from('6n')]) {
			const liar = await field.gateway.person({ port: await field.listen({ name: 'liar' }) });
			await liar.live();
			typed.length = 0;
			liar.send(FRAME.REPORT, payload);
			await until(() => liar.ended || liar.socket.readyState !== 1, `the end of who sent ${payload.toString('hex')}`);
			equal(Buffer.concat(typed).toString('latin1'), '', `typed for ${payload.toString('hex')}`);
			if (!liar.ended) await field.gateway.cli(['session', 'end', liar.session, 'test']);
			liar.close();
			field.results.push({ name: 'a report that is none', session: liar.session });
		}
		await field.check();
	} finally {
		await field.stop();
	}
});
