// SPDX-License-Identifier: Apache-2.0
// Hours of work: node tests/torture/soak.mjs [--minutes 120] [--starts 10] [--seed N]. So many sessions begin each
// second, SSH and Telnet, up to fifty at once; two live all the time, one with steady output and one that is idle.
// Memory, descriptors, threads and files are flat, openings stay as quick, and what the long ones showed is recorded to
// the byte.
import { setTimeout as sleep } from 'node:timers/promises';

import { Gateway } from '../lib/gateway.mjs';
import { FRAME } from '../lib/person.mjs';
import { assert, equal, runStories, story, until } from '../lib/story.mjs';
import { Sshd } from '../lib/targets.mjs';
import { Crowd, figures, growth, zombies } from './lib/crowd.mjs';
import { hooked } from './lib/hooked.mjs';
import { Dice, option, seed } from './lib/seed.mjs';
import { Shell } from './lib/shell.mjs';

const minutes = Number(option('minutes', 120));
const starts = Number(option('starts', 10));
const WARM_UP = Math.min(10, minutes / 4) * 60;
const AT_ONCE = 50;
const SAMPLE = Math.max(5, (minutes * 60) / 240); // seconds
const STAY = [0.5, 8]; // seconds that one session lasts
const KIB = minutes >= 60 ? 1 : 64; // for each 1,000 sessions and process; a short run has noise

const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

class Soak {
	async start() {
		this.dice = new Dice('soak');
		this.control = hooked();
		this.control.set({ store_small: 1 }); // the store's pages have their own ceiling, which would take hours to reach
		this.shell = await Shell.start();
		this.sshd = await Sshd.start();
		this.gateway = await Gateway.start({ 'telnet.success': '$ ', 'gateway.log_level': 'warning', 'session.idle_end': 86400 },
			{ programs: this.control.directory });
		this.gateway.prepare({ device: 'db1', port: this.shell.port, protocol: 'TELNET', username: 'root', password: 'x', trust: false });
		this.gateway.cli(['device', 'add', 'db2', '--ip', '127.0.0.1', '--connectivity', `SSH:${this.sshd.port}`]);
		this.gateway.cli(['device', 'trust', 'db2', '--protocol', 'SSH', '--yes']);
		this.gateway.credential({ device: 'db2', username: this.sshd.username, keyFile: this.sshd.allow('ed25519') });
		this.gateway.cli(['application', 'add', 'both']);
		const keys = this.gateway.cli(['authorization', 'add', '--application', 'both', '--resource', 'web-proxy-session:rw',
			'--credential', 'root@db1', '--credential', `${this.sshd.username}@db2`]);
		await this.gateway.token(keys);
		this.keys = keys;
		this.crowd = new Crowd(this.gateway);
		Object.assign(this, { running: 0, failures: [], samples: [], skipped: 0 });
		[this.steady, this.idle] = [await this.gateway.person(), await this.gateway.person()];
		await Promise.all([this.steady.live(), this.idle.live()]);
		this.steady.type('tick\r');
	}

	async one() {
		const change = this.dice.throw() < 0.5 ? {} : { credential: this.sshd.username, device: 'db2', protocol: 'ssh' };
		this.running++;
		await this.crowd.visit({ change, stay: this.dice.between(...STAY) * 1000 }).catch((error) => this.failures.push(error.message));
		this.running--;
	}

	// Begins sessions evenly for so many seconds; who finds fifty there already is left out, and counted.
	async work(seconds) {
		const began = Date.now();
		for (let n = 0; Date.now() < began + seconds * 1000; n++) {
			if (this.running < AT_ONCE) this.one();
			else this.skipped++;
			if (n % (starts * 60) === 0 && n > 0) await this.gateway.token(this.keys);
			await sleep(Math.max(0, began + ((n + 1) * 1000) / starts - Date.now()));
		}
	}

	look() {
		const now = figures(this.gateway);
		this.samples.push({ ...now, done: this.crowd.done });
		return now;
	}

	// Each process at its samples: nothing grows.
	judge() {
		const names = Object.keys(this.samples[0].processes);
		const [first, last] = [this.samples[0], this.samples.at(-1)];
		for (const name of names) {
			const per = (key) => 1000 * growth(this.samples.map((sample) => [sample.done, sample.processes[name][key]]));
			const [a, b] = [first.processes[name], last.processes[name]];
			console.log(`     ${name}: ${a.kib} to ${b.kib} KiB (${per('kib').toFixed(2)} for 1,000), ${a.fds} to ${b.fds} descriptors, ${a.threads} to ${b.threads} threads`);
			assert(per('kib') < KIB, `the ${name} grows by ${per('kib').toFixed(2)} KiB in 1,000 sessions`);
			// How many sessions run at a sample varies, and their descriptors with them.
			const more = (per('fds') * (last.done - first.done)) / 1000;
			assert(more < 5, `the ${name} has ${more.toFixed(1)} descriptors more at the end`);
			equal(b.threads, a.threads, `threads of the ${name}`);
		}
		equal(last.files, first.files, 'files beside the recordings');
		equal(zombies(this.gateway), 0, 'dead processes that nobody reaped');
	}

	async longOnes() {
		const shown = this.steady.bytes;
		assert(shown > minutes * 60 * 5 * 'tick 1\r\n'.length, `the steady session showed ${shown} bytes`);
		this.idle.type('still here\r');
		await this.idle.shows('heard still here');
		for (const person of [this.steady, this.idle]) {
			person.send(FRAME.END);
			await person.over();
			await until(() => this.gateway.cli(['session', 'show', person.session]).recorded, 'the recording to be sealed');
			equal(this.gateway.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
			equal(this.gateway.cli(['session', 'show', person.session]).output_bytes, person.bytes, 'bytes shown and recorded');
		}
		const { out } = this.gateway.cli(['recording', 'export', this.steady.session, '--format', 'text'], { raw: true });
		const ticks = [...out.matchAll(/^tick (\d+)$/gm)].map((match) => Number(match[1]));
		equal(ticks.length, ticks.at(-1), 'lines of the steady session, none missing');
	}

	async end() {
		this.crowd?.end();
		await this.gateway?.stop();
		await this.shell?.stop();
		await this.sshd?.stop();
		this.control?.end();
	}
}

story(`${minutes} minutes, ${starts} sessions a second`, async () => {
	const soak = new Soak();
	try {
		await soak.start();
		await soak.work(WARM_UP);
		soak.crowd.opening.length = 0;
		const before = soak.crowd.done;
		const end = Date.now() + (minutes * 60 - WARM_UP) * 1000;
		while (Date.now() < end) {
			soak.look();
			await soak.work(SAMPLE);
		}
		soak.look();
		await until(() => soak.running === 0, 'the last sessions to end', 60000);
		const times = soak.crowd.opening;
		const tenth = Math.max(20, Math.floor(times.length / 11));
		const [early, late] = [quantile(times.slice(0, tenth), 0.99), quantile(times.slice(-tenth), 0.99)];
		console.log(`     ${soak.crowd.done - before} sessions, ${soak.failures.length} failed, ${soak.skipped} left out; ` +
			`opening p99 ${early.toFixed(1)} ms at first, ${late.toFixed(1)} ms at last`);
		equal(soak.failures, [], 'sessions that failed');
		assert(late < early * 1.1 + 5, `openings became slower: ${early.toFixed(1)} to ${late.toFixed(1)} ms`);
		soak.judge();
		await soak.longOnes();
		await soak.gateway.trailIntact();
	} finally {
		await soak.end();
	}
}, { seconds: minutes * 60 + 900 });

console.log(`seed ${seed}: node tests/torture/soak.mjs --minutes ${minutes} --starts ${starts} --seed ${seed}`);
const { passed, failed, skipped } = await runStories();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
