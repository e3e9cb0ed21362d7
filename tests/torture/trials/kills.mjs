// SPDX-License-Identifier: Apache-2.0
// Every process is killed at random moments, while calls, openings, typing and recording go on. Whatever was
// acknowledged is there afterwards, once; every recording can be verified and read to within a second of the
// crash; who had nothing to do with it goes on; and the gateway is back in two seconds.
import { setTimeout as sleep } from 'node:timers/promises';

import { Gateway } from '../../lib/gateway.mjs';
import { assert, equal, story, until } from '../../lib/story.mjs';
import { hooked } from '../lib/hooked.mjs';
import { Life, family } from '../lib/life.mjs';
import { Dice, full, most } from '../lib/seed.mjs';
import { Shell } from '../lib/shell.mjs';

const COMPONENTS = ['supervisor', 'front', 'broker', 'vault', 'recorder', 'worker', 'template'];
const GATEWAYS = 5; // they share the kills: a service that dies again and again is started again later
const settings = { 'ticket.lifetime': 300, 'telnet.success': '$ ', 'gateway.log_level': 'warning' };

function victim(gateway, component) {
	if (component === 'supervisor') return gateway.process.pid;
	const name = component === 'template' ? 'worker' : component;
	return family(gateway).find((child) => child.name.startsWith(name) && (child.title === 'template') === (component === 'template'))?.pid;
}

class Trial {
	constructor(dice, life, shell) {
		Object.assign(this, { dice, life, shell, gateway: life.gateway, killed: new Map(), back: [] });
	}

	static async start(dice, options = {}) {
		const shell = await Shell.start();
		const gateway = await Gateway.start(settings, options);
		const life = new Life(gateway, shell, dice);
		life.prepare();
		life.start();
		return new Trial(dice, life, shell);
	}

	// Enough people for the next kill to matter.
	async populate() {
		while (this.life.people.length < 2)
			await until(() => this.life.visit().catch(() => false), 'a person to come live', 15000);
	}

	async kill(component) {
		await this.populate();
		await sleep(this.dice.between(0, 300));
		const { life, gateway } = this;
		const pid = await until(() => victim(gateway, component), `a ${component} to kill`);
		const before = new Set(life.people);
		const at = Date.now();
		process.kill(pid, 'SIGKILL');
		if (component === 'supervisor') {
			await gateway.exited;
			await gateway.serve();
		}
		await until(() => life.visit().catch(() => false), `a new session after the ${component} was killed`, 20000);
		this.back.push(Date.now() - at);
		await this.look(component, before, at);
	}

	// Sessions die with their supervisor, recorder or worker, and with nobody else.
	async look(component, before, at) {
		const doomed = [];
		for (const person of before) {
			const lives = !['supervisor', 'recorder'].includes(component) &&
				await this.life.again(person).then(() => true, (error) => {
					if (component !== 'worker') throw new Error(`${person.session} did not survive the ${component}: ${error.message}`);
					return false;
				});
			if (!lives) doomed.push(person);
		}
		if (component === 'worker') assert(doomed.length <= 1, `${doomed.length} sessions ended with one worker`);
		for (const person of doomed) {
			this.killed.set(person, at);
			this.life.leave(person);
			person.close();
		}
	}

	async finish() {
		const { life, gateway } = this;
		await life.stop();
		await gateway.stop({ keep: true });
		equal(gateway.process.exitCode, 0, `the ordered end: ${gateway.log.slice(-500)}`);
		const compared = life.check();
		await gateway.trailIntact();
		const receipts = life.receipts();
		await gateway.serve();
		const recorded = await life.checkRecordings(this.killed, most(12, 200), receipts);
		await life.checkPassword();
		return { ...compared, ...recorded };
	}

	async end() {
		this.life.on = false;
		this.life.end();
		await this.gateway.stop();
		await this.shell.stop();
	}
}

async function killAll(dice, kills) {
	const trial = await Trial.start(dice);
	try {
		for (let round = 0; round < kills; round++)
			for (const component of dice.shuffled(COMPONENTS)) await trial.kill(component);
		return { ...await trial.finish(), back: trial.back };
	} finally {
		await trial.end();
	}
}

story('whatever is killed, nothing acknowledged is lost and nothing is there twice', async () => {
	const kills = most(50, 1000) / GATEWAYS;
	const results = await Promise.all(Array.from({ length: GATEWAYS }, (_, number) => killAll(new Dice(`kills ${number}`), kills)));
	const sum = (name) => results.reduce((total, result) => total + result[name], 0);
	const back = results.flatMap((result) => result.back).sort((a, b) => a - b);
	const part = (share) => back[Math.min(back.length - 1, Math.floor(back.length * share))];
	console.log(`     ${back.length} kills, ${sum('acks')} acknowledgements, ${sum('recordings')} recordings, ${sum('proven')} with a receipt ` +
		`(${sum('read')} words read back); ` +
		`a new session after ${part(0.5)} ms, 95 % ${part(0.95)} ms, at most ${back.at(-1)} ms`);
	assert(sum('proven') > kills, `only ${sum('proven')} have a receipt`);
	assert(sum('read') > kills, `only ${sum('read')} words were old enough to be due`);
	// A figure for a machine that has nothing else to do, as ./dev torture should have.
	assert(!full || part(0.5) < 2000, `back after ${part(0.5)} ms`);
}, { seconds: 7200 });

// The control: a broker that answers before it commits loses what was acknowledged, and must be found out.
story('a broker that answers before its commit is found out', async () => {
	const control = hooked();
	const trial = await Trial.start(new Dice('kills control'), { programs: control.directory });
	try {
		await trial.populate();
		await trial.life.stop();
		control.set({ commit_late: 1 });
		for (let calls = 0; calls < 5; calls++) await trial.life.create(); // one at a time: each a commit of its own
		process.kill(victim(trial.gateway, 'broker'), 'SIGKILL');
		control.set({ commit_late: 0 });
		const failure = await trial.finish().then(() => undefined, (error) => error);
		assert(failure && /is lost|audit rows|rows of user|was opened|state of session/.test(failure.message), `found: ${failure?.message ?? 'nothing'}`);
	} finally {
		await trial.end();
		control.end();
	}
}, { seconds: 120 });
