// SPDX-License-Identifier: Apache-2.0
// The n-th write, sync, open, rename, truncation, allocation of space or close fails, in a process that runs or
// in one that starts. Nobody crashes, nothing is acknowledged that is not there, and the gateway recovers by
// itself: after a failed sync by stopping in order and starting again.

import { Gateway } from '../../lib/gateway.mjs';
import { FRAME } from '../../lib/person.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { alive, hooked } from '../lib/hooked.mjs';
import { Life, command, family } from '../lib/life.mjs';
import { Dice, full } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const ERRORS = {
	write: ['EIO', 'ENOSPC', 'EINTR', 'short'],
	sync: ['EIO', 'ENOSPC', 'EINTR'],
	open: ['EIO', 'ENOSPC', 'EINTR'],
	rename: ['EIO', 'ENOSPC'],
	truncate: ['EIO', 'EINTR'],
	allocate: ['ENOSPC', 'EIO', 'EINTR'],
	close: ['EIO', 'EINTR'],
};
const PROGRAMS = ['broker', 'vault', 'recorder'];
const settings = { 'ticket.lifetime': 300, 'telnet.success': '$ ', 'gateway.log_level': 'error' };
const crashed = (log) => log.split('\n').filter((line) => /signal|Assertion|assert/.test(line));

class Bench {
	static async start(program) {
		const bench = Object.assign(new Bench(), { program, dice: new Dice(`faults ${program}`), control: hooked(), shell: await Shell.start(), hits: 0, cases: 0 });
		bench.gateway = await Gateway.start(settings, { programs: bench.control.directory });
		bench.life = new Life(bench.gateway, bench.shell, bench.dice);
		bench.life.prepare();
		for (const program of PROGRAMS) assert(alive(bench.control, program), `no hooks in the ${program}`);
		return bench;
	}

	// A bit of everything that reaches a disk. What fails is not acknowledged, and that is fine.
	async day() {
		const { life, gateway } = this;
		const steps = [() => life.create(), () => life.administer(), async () => {
			const person = await life.visit();
			await life.say(person, 2000);
			person.send(FRAME.END);
			await until(() => person.ended || person.socket.readyState > 1, 'an end', 3000);
			life.leave(person);
		}, async () => {
			const { key_version } = JSON.parse(await command(gateway, ['vault', 'rotate']));
			life.ack('rotated', { key_version });
		}, () => life.drop()];
		for (const step of steps) await step().catch(() => {});
	}

	// The gateway is well again: without hands.
	async well(what) {
		const person = await until(() => this.life.visit().catch((error) => { this.why = error.message; return false; }),
			`a session after ${what}`, 30000).catch((error) => { throw new Error(`${error.message}: ${this.why}`); });
		person.send(FRAME.END);
		await person.over();
		this.life.leave(person);
	}

	async fault(program, kind, error, nth, starting) {
		const what = `${kind} ${nth} failing with ${error} in the ${starting ? 'starting ' : ''}${program}`;
		const before = this.gateway.log.length;
		this.control.failCall(program, kind, nth, error);
		if (starting) for (const child of family(this.gateway)) if (child.name === program) process.kill(child.pid, 'SIGKILL');
		await this.day();
		const hit = this.control.get('call_hits', program) > 0;
		this.control.set({ call_at: 0 }, program);
		await this.well(what);
		const bad = crashed(this.gateway.log.slice(before)).filter((line) => !(starting && /signal 9/.test(line)));
		equal(bad, [], `after ${what}`);
		this.cases++;
		if (hit) this.hits++;
		return hit;
	}

	async finish() {
		const { life, gateway } = this;
		await gateway.stop({ keep: true });
		equal(gateway.process.exitCode, 0, `the ordered end: ${gateway.log.slice(-500)}`);
		life.check();
		await gateway.trailIntact();
		const live = new Set(life.acks.filter((ack) => ack.kind === 'live').map((ack) => ack.session));
		for (const report of life.verify(undefined, live)) live.delete(report.id);
		equal([...live], [], 'sessions without a recording');
		await gateway.serve();
		await life.checkPassword();
	}

	async end() {
		this.life.end();
		await this.gateway.stop();
		await this.shell.stop();
		this.control.end();
	}
}

const less = (after, before) => Object.fromEntries(Object.keys(after).map((kind) => [kind, after[kind] - before[kind]]));

// How many calls of each kind a day and a start take, when nothing fails.
async function count(bench, program) {
	const before = bench.control.calls(program);
	for (const child of family(bench.gateway)) if (child.name === program) process.kill(child.pid, 'SIGKILL');
	await until(() => family(bench.gateway).some((child) => child.name === program), 'a new process');
	await bench.well('a start');
	const between = bench.control.calls(program);
	await bench.day();
	await bench.well('a day');
	return { true: less(between, before), false: less(bench.control.calls(program), between) };
}

// Every n there is, up to where a run passes; reduced: some kinds and errors, and one n of each.
async function failAll(bench, program) {
	const calls = await count(bench, program);
	const all = Object.entries(ERRORS).flatMap(([kind, errors]) => errors.flatMap((error) =>
		[false, true].filter((starting) => calls[starting][kind] > 0).map((starting) => ({ kind, error, starting }))));
	for (const { kind, error, starting } of bench.dice.shuffled(all).slice(0, full ? all.length : 10)) {
		const there = calls[starting][kind];
		if (!full) await bench.fault(program, kind, error, 1 + bench.dice.below(Math.min(there, 20)), starting);
		for (let nth = 1; full && nth <= there + 1; nth++) await bench.fault(program, kind, error, nth, starting);
	}
}

async function failOne(program) {
	const bench = await Bench.start(program);
	try {
		await failAll(bench, program);
		await bench.finish();
		return bench;
	} finally {
		await bench.end();
	}
}

story('no failing file call makes a process crash or lie', async () => {
	for (const { cases, hits, life, program } of await Promise.all(PROGRAMS.map((name) => failOne(name)))) {
		console.log(`     ${program}: ${cases} cases, ${hits} of them failed something, ${life.acks.length} acknowledgements`);
		assert(hits > (full ? cases / 8 : 0), `hardly anything failed in the ${program}`);
	}
}, { seconds: 7200 });
