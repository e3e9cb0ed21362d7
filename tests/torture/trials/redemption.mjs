// SPDX-License-Identifier: Apache-2.0
// Of 1,000 who open one URL at the same moment exactly one wins; never two, whenever the broker dies,
// and nobody after a restart.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { Gateway } from '../../lib/gateway.mjs';
import { Person } from '../../lib/person.mjs';
import { assert, endWith, equal, story, until } from '../../lib/story.mjs';
import { Dice, most } from '../lib/seed.mjs';
import { tool } from '../lib/tools.mjs';

const PEOPLE = 1000;

// The crowd, round by round: rush(sr) is told when all stand ready, and answers with what they saw.
class Crowd {
	constructor(gateway, people) {
		this.process = endWith(spawn(tool('redeem', '-lssl', '-lcrypto'),
			[String(gateway.port), gateway.host, String(people)], { stdio: ['pipe', 'pipe', 'inherit'] }));
		this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
	}

	async line() {
		const { value, done } = await this.lines.next();
		assert(!done, 'the crowd went away');
		return JSON.parse(value);
	}

	async rush(sr, onReady = () => {}) {
		this.process.stdin.write(`${sr}\n`);
		assert((await this.line()).ready, 'not ready');
		onReady();
		return this.line();
	}

	end() {
		this.process.stdin.end();
	}
}

const valueOf = (session) => new URL(session.session_url).searchParams.get('_sr');

async function started() {
	const gateway = await Gateway.start({ 'ticket.lifetime': 300 });
	gateway.prepare({ device: 'db1', port: 1, protocol: 'TELNET', username: 'root', password: 'x', trust: false });
	return gateway;
}

async function refusedNow(gateway, session) {
	const error = await new Person(gateway).open(session.session_url).then(() => ({ status: 200 }), (failure) => failure);
	return error.status;
}

story('of 1,000 who open one URL at once exactly one wins, and none after a restart', async () => {
	const gateway = await started();
	const crowd = new Crowd(gateway, PEOPLE);
	const sessions = [];
	try {
		for (let round = 0; round < most(10, 100); round++) {
			const session = await gateway.session();
			const { winners, statuses, bodies } = await crowd.rush(valueOf(session));
			equal(statuses, { 200: 1, 410: PEOPLE - 1 }, `round ${round}`);
			equal(bodies, 1, 'different pages for those who lost');
			equal(winners.length, 1, 'winners');
			sessions.push(session);
		}
		await gateway.stop({ keep: true });
		await gateway.serve();
		for (const session of sessions) equal(await refusedNow(gateway, session), 410, 'after a restart');
		await gateway.trailIntact();
		const redeemed = gateway.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === 'session.redeemed');
		equal(redeemed.length, sessions.length, 'redemptions on record');
	} finally {
		crowd.end();
		await gateway.stop();
	}
}, { seconds: 900 });

// One gateway's part. Each death in a row makes the supervisor wait longer: several gateways share the kills.
async function killing(dice, rounds) {
	const gateway = await started();
	const crowd = new Crowd(gateway, 100);
	const won = [];
	try {
		for (let round = 0; round < rounds; round++) {
			const session = await until(() => gateway.session().catch(() => false), 'a session after the crash');
			let killed;
			const kill = async () => {
				await sleep(dice.between(0, 12));
				for (const { pid } of gateway.processes('broker')) process.kill(pid, 'SIGKILL');
			};
			const winners = (await crowd.rush(valueOf(session), () => { killed = kill(); })).winners;
			await killed;
			await until(async () => (await gateway.create().catch(() => ({}))).status === 200, 'the broker to be back');
			winners.push(...(await crowd.rush(valueOf(session))).winners);
			assert(winners.length <= 1, `${winners.length} winners in round ${round}`);
			equal(await refusedNow(gateway, session), 410, 'afterwards');
			if (winners.length) won.push(winners[0].session);
		}
		await gateway.stop({ keep: true });
		await gateway.serve();
		await gateway.trailIntact();
		const redeemed = gateway.cli(['audit', 'list', '--limit', '100000']).filter((row) => row.event === 'session.redeemed')
			.map((row) => row.detail.session_id);
		equal(new Set(redeemed).size, redeemed.length, 'one redemption on record for each session');
		for (const id of won) assert(redeemed.includes(id), `${id} was won, and is not on record`);
		return won.length;
	} finally {
		crowd.end();
		await gateway.stop();
	}
}

story('never two, with the broker killed at a random moment of the rush', async () => {
	const dice = new Dice('redemption');
	const rounds = most(5, 50);
	const won = await Promise.all([1, 2, 3, 4].map(() => killing(dice, rounds)));
	console.log(`     ${4 * rounds} kills, ${won.reduce((sum, count) => sum + count, 0)} URLs opened all the same`);
}, { seconds: 900 });
