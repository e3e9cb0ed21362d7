// SPDX-License-Identifier: Apache-2.0
// The n-th allocation fails, in one process of a whole gateway that does its daily work. The front never ends for
// it; the others refuse and go on, or stop in order and are started again. Nobody crashes.
import { Gateway } from '../../lib/gateway.mjs';
import { FRAME } from '../../lib/person.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { hooked } from '../lib/hooked.mjs';
import { Life, command, family } from '../lib/life.mjs';
import { Dice, full } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const PROGRAMS = ['front', 'broker', 'vault', 'recorder', 'worker'];
const LIBRARIES = 1 << 28; // what asks from further away than this is no part of the program itself
const MOST = 6000; // allocations of one day that are tried in the full form
const settings = { 'ticket.lifetime': 300, 'telnet.success': '$ ' };
const pidOf = (gateway, name) => family(gateway).find((child) => child.name === name)?.pid;

// Deaths by a signal: services in words, workers as the status that the broker logs.
function crashes(log) {
	return log.split('\n').filter((line) => {
		const worker = line.match(/"worker.exited","detail":"session \d+, status (\d+)/);
		return /service\.exited.*signal/.test(line) || (worker && (Number(worker[1]) & 127) !== 0);
	});
}

class Bench {
	static async start(program) {
		const bench = Object.assign(new Bench(), { program, dice: new Dice(`memory ${program}`), control: hooked(), shell: await Shell.start(), library: 0 });
		bench.gateway = await Gateway.start(settings, { programs: bench.control.directory });
		bench.life = new Life(bench.gateway, bench.shell, bench.dice);
		bench.life.prepare();
		return bench;
	}

	async day() {
		const { life, gateway } = this;
		const steps = [() => gateway.token(), () => life.create(), async () => {
			const person = await life.visit();
			await life.say(person, 3000);
			person.type('flood 20000\r');
			await life.say(person, 3000);
			person.close();
			await person.attach();
			person.send(FRAME.END);
			await until(() => person.ended || person.socket.readyState > 1, 'an end', 3000);
			life.leave(person);
		}, async () => {
			const password = `p${++life.attempted}`;
			life.passwords.push(password);
			await command(gateway, ['credential', 'replace', '--device', 'db1', '--username', 'root', '--password-stdin'], password);
			life.ack('password', { number: life.attempted });
		}];
		for (const step of steps) await step().catch(() => {});
	}

	async well(what) {
		await until(async () => {
			try {
				await this.gateway.token();
				const person = await this.life.visit();
				person.send(FRAME.END);
				await person.over();
				this.life.leave(person);
				return true;
			} catch (error) {
				this.why = error.message;
				return false;
			}
		}, `a session after ${what}`, 30000).catch((error) => { throw new Error(`${error.message}: ${this.why}`); });
	}

	async fail(nth) {
		const { gateway, control, program } = this;
		const front = pidOf(gateway, 'front');
		const before = gateway.log.length;
		control.failMemory(program, nth);
		await this.day();
		const hit = control.get('memory_hits', program) > 0;
		control.set({ memory_at: 0 }, program);
		await this.well(`allocation ${nth} failed in the ${program}`);
		const where = control.get('memory_where', program);
		const dead = crashes(gateway.log.slice(before));
		// libseccomp does not survive it, and every worker asks it for its walls: that session ends, and no other.
		if (program === 'worker' && dead.length === 1 && where > LIBRARIES) this.library++;
		else equal(dead, [], `after allocation ${nth} (asked for at ${where.toString(16)}) failed in the ${program}`);
		if (program === 'front') equal(pidOf(gateway, 'front'), front, `the front after its allocation ${nth} failed`);
		return hit;
	}

	async finish() {
		await this.gateway.stop({ keep: true });
		equal(this.gateway.process.exitCode, 0, 'the ordered end');
		this.life.check();
		await this.gateway.trailIntact();
		this.life.verify();
		await this.gateway.serve();
		await this.life.checkPassword();
	}

	async end() {
		this.life.end();
		await this.gateway.stop();
		await this.shell.stop();
		this.control.end();
	}
}

async function failAll(program) {
	const bench = await Bench.start(program);
	try {
		await bench.day();
		const before = bench.control.get('memory_seen', program);
		await bench.day();
		const there = bench.control.get('memory_seen', program) - before;
		assert(there > 0, `no hooks in the ${program}`);
		let hits = 0;
		const tried = full ? Math.min(there, MOST) : 8;
		for (let n = 1; n <= tried; n++)
			hits += await bench.fail(full ? n : 1 + bench.dice.below(there));
		await bench.finish();
		return { program, there, tried, hits, library: bench.library };
	} finally {
		await bench.end();
	}
}

story('no failing allocation makes a process crash', async () => {
	for (const { program, there, tried, hits, library } of await Promise.all(PROGRAMS.map((name) => failAll(name)))) {
		console.log(`     ${program}: ${there} allocations a day, ${tried} tried, ${hits} failed${library ? `, ${library} of them a library's end` : ''}`);
		assert(hits > tried / 4, `hardly any allocation failed in the ${program}`);
	}
}, { seconds: 7200 });
