// SPDX-License-Identifier: Apache-2.0
// What one session may take of what all share: the processor, memory, the recorder's patience. And
// what it has to begin with.
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';

import { lair, summon } from '../lib/lair.mjs';
import { FRAME } from '../lib/person.mjs';
import { Sshd, isRoot } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const CLOSE_ON_EXEC = 0o2000000;
const proc = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
const field = (pid, name) => proc(pid, 'status').match(new RegExp(`^${name}:\\s+(\\S+)`, 'm'))?.[1];
const resident = (pid) => Number(field(pid, 'VmRSS'));
const niceness = (pid) => Number(proc(pid, 'stat').replace(/^.*\) /, '').split(' ')[16]);
const workers = (gateway, driver) => gateway.processes(`worker-${driver}`).filter(({ args }) => args.includes('session'));

// What a signal mask of /proc names: numbers.
const signals = (mask) => [...Array(64).keys()].filter((bit) => (BigInt(`0x${mask}`) >> BigInt(bit)) & 1n).map((bit) => bit + 1);

story('a worker is born with what it needs and nothing else', async () => {
	if (!isRoot) return 'skip: reads the worker from outside';
	const target = await Sshd.start();
	await lair({}, async (gateway) => {
		gateway.cli(['device', 'add', 'db1', '--ip', '127.0.0.1', '--connectivity', `SSH:${target.port}`]);
		gateway.cli(['device', 'trust', 'db1', '--yes']);
		gateway.credential({ device: 'db1', username: target.username, keyFile: target.allow('ed25519') });
		gateway.keys = gateway.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw',
			'--credential', 'root@lair', '--credential', `${target.username}@db1`]);
		const villain = await summon(gateway);
		const honest = await gateway.person({ device: 'db1', credential: target.username, protocol: 'ssh' });
		await honest.live();
		const vault = gateway.processes('vault')[0].pid;
		for (const { pid, args } of [...workers(gateway, 'villain'), ...workers(gateway, 'ssh')]) {
			const fds = Object.fromEntries(readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, readlinkSync(`/proc/${pid}/fd/${fd}`)]));
			equal([fds[0], fds[1], fds[2]], Array(3).fill('/dev/null'), `standard descriptors of ${args}`);
			const others = Object.entries(fds).filter(([fd]) => fd > 2);
			assert(others.every(([, link]) => /^socket:|^anon_inode:\[eventpoll\]/.test(link)), `${args} holds ${JSON.stringify(others)}`);
			assert(others.filter(([, link]) => /^socket:/.test(link)).length <= 3, `${args} holds ${JSON.stringify(others)}`);
			const open = others.filter(([fd]) => fd > 5 && (parseInt(proc(pid, `fdinfo/${fd}`).match(/flags:\s+(\d+)/)[1], 8) & CLOSE_ON_EXEC) === 0);
			equal(open, [], `descriptors of ${args} that would survive an exec`);
			equal(proc(pid, 'environ').length, 0, `environment of ${args}`);
			assert(!/canary|BEGIN/.test(proc(pid, 'cmdline')), `arguments of ${args}`);
			equal(signals(field(pid, 'SigBlk')), [], `signals that ${args} does not hear`);
			equal(signals(field(pid, 'SigIgn')), [13], `signals that ${args} ignores`);
			equal(proc(pid, 'timers'), '', `timers of ${args}`);
			const shared = proc(pid, 'maps').split('\n').filter((line) => /^\S+ ..[w-]s|^\S+ ...s/.test(line) || /rwx/.test(line));
			equal(shared, [], `memory that ${args} shares, or may write and run`);
			const limit = (name) => proc(pid, 'limits').match(new RegExp(`^${name}\\s+(\\S+)`, 'm'))[1];
			equal(['Max core file size', 'Max file size', 'Max processes'].map(limit), ['0', '0', '0'], `limits of ${args}`);
			assert(Number(limit('Max address space')) <= 256 << 20 && Number(limit('Max open files')) <= 16, `limits of ${args}`);
			equal([field(pid, 'CapPrm'), field(pid, 'CapEff'), field(pid, 'CapBnd')], Array(3).fill('0000000000000000'), `capabilities of ${args}`);
			equal([field(pid, 'NoNewPrivs'), field(pid, 'Seccomp')], ['1', '2'], `walls of ${args}`);
			for (const space of ['pid', 'net', 'ipc', 'uts', 'mnt'])
				assert(readlinkSync(`/proc/${pid}/ns/${space}`) !== readlinkSync(`/proc/${vault}/ns/${space}`), `${space} namespace of ${args}`);
		}
		villain.send(FRAME.END);
		await honest.close();
	});
	await target.stop();
});

// Milliseconds from a key to its echo, sorted.
async function echoes(person, count) {
	const times = [];
	let wake;
	person.onFrame = (type) => { if (type === FRAME.TEXT) wake?.(); };
	for (let i = 0; i < count; i++) {
		const start = performance.now();
		const echo = new Promise((done) => (wake = done));
		person.type('x');
		await echo;
		times.push(performance.now() - start);
		if (i % 40 === 39) person.type('\x15'); // the line is thrown away
	}
	person.onFrame = undefined;
	return times.sort((a, b) => a - b);
}
const p99 = (times) => times[Math.floor(times.length * 0.99)];

story('a villain that takes all it can get takes nothing from the others', async () => {
	const target = await Sshd.start();
	await lair({}, async (gateway) => {
		gateway.cli(['device', 'add', 'db1', '--ip', '127.0.0.1', '--connectivity', `SSH:${target.port}`]);
		gateway.cli(['device', 'trust', 'db1', '--yes']);
		gateway.credential({ device: 'db1', username: target.username, keyFile: target.allow('ed25519') });
		gateway.keys = gateway.cli(['authorization', 'add', '--application', 'portal', '--resource', 'web-proxy-session:rw',
			'--credential', 'root@lair', '--credential', `${target.username}@db1`]);
		const honest = await gateway.person({ device: 'db1', credential: target.username, protocol: 'ssh' });
		await honest.live();
		const alone = p99(await echoes(honest, 200));

		const spinners = await Promise.all(Array.from({ length: 4 }, () => summon(gateway)));
		for (const person of spinners) person.type('spin\r');
		await Promise.all(spinners.map((person) => person.shows('trying spin')));
		const beside = p99(await echoes(honest, 200));
		assert(beside < 10 * Math.max(alone, 5), `an echo takes ${beside.toFixed(1)} ms beside four that spin, ${alone.toFixed(1)} ms alone (99 in 100)`);

		// who eats memory gets no more than its own
		const eaters = await Promise.all(['eat_memory', 'eat_mappings', 'lock_memory'].map(async (name) => {
			const person = await summon(gateway);
			person.type(`${name}\r`);
			await person.shows(/refused \(\d+\)/, 30000);
			return person;
		}));
		for (const { pid } of workers(gateway, 'villain')) assert(resident(pid) < 256 * 1024, `a worker has ${resident(pid)} KiB`);

		// who floods a person that does not look floods the recording alone: the recorder stays as it is
		const recorder = gateway.processes('recorder')[0].pid;
		const before = resident(recorder);
		const flooder = await gateway.person({}, { acknowledge: false });
		await flooder.shows('at your service', 30000);
		flooder.type('flood_recorder\r');
		await until(() => flooder.bytes > 50000, 'the flood to reach the person');
		await echoes(honest, 50);
		await until(() => statSync(gateway.recordingFile(flooder.session)).size > 10000, 'the flood to be recorded');
		assert(flooder.bytes < 1 << 20, `${flooder.bytes} bytes without an acknowledgement`);
		assert(resident(recorder) - before < 16 * 1024, `the recorder grew by ${resident(recorder) - before} KiB`);

		// in the end all that is left to the greedy is what nobody else wants
		await until(() => (gateway.log.match(/is heavy: the others come first/g) ?? []).length >= 4, 'the spinners to be found out', 45000);
		const nice = workers(gateway, 'villain').map(({ pid }) => niceness(pid)).filter((value) => value === 19);
		assert(nice.length >= 4 || !/niceness has to do/.test(gateway.log), `${nice.length} are as nice as can be`);
		const late = p99(await echoes(honest, 200));
		assert(late < 10 * Math.max(alone, 5), `an echo takes ${late.toFixed(1)} ms beside four heavy ones, ${alone.toFixed(1)} ms alone (99 in 100)`);

		// and who does not hear is ended all the same
		for (const person of spinners) gateway.cli(['session', 'end', person.session, 'takes too much']);
		for (const person of [...eaters, flooder]) person.send(FRAME.END);
		await until(() => workers(gateway, 'villain').length === 0, 'the villains to be gone', 30000);
		assert(/uid=/.test(await honest.run('id')), 'the honest session goes on');
		console.log(`     echo, 99 in 100: ${alone.toFixed(1)} ms alone, ${beside.toFixed(1)} beside four that spin, ${late.toFixed(1)} when they are heavy`);
		await honest.close();
	});
	await target.stop();
}, { seconds: 180 });
