// SPDX-License-Identifier: Apache-2.0
// Where hostile targets are met: a gateway, an honest session that must not notice, and a trap that plays
// one attack a connection. What must hold afterwards, whatever the attack: the honest session echoes, no
// process of the gateway was replaced, no worker crashed, none took much memory, the credential went where
// it may and no further, every recording is whole and readable, and nothing raw stands in logs or lists.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';

import { Gateway } from '../lib/gateway.mjs';
import { FRAME, Person, STATE } from '../lib/person.mjs';
import { assert, equal, until } from '../lib/story.mjs';

export const CANARY = 'canary-Xq7-hostile';
const MEMORY_MOST = 32 * 1024; // KiB of a worker, at its highest
const SERVICES = ['front', 'broker', 'vault', 'recorder'];
const KILLED = 9; // by the broker's word, when a worker does not go by itself
const RAW = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const attempt = (run) => { try { return run(); } catch { return undefined; } };

export class Field {
	// serve(socket, attack): an object with words, what the target heard; attack undefined: be honest.
	static async start({ protocol, serve, settings = {}, owner }) {
		const field = new Field();
		Object.assign(field, { protocol, serve, peak: 0, results: [], servers: [] });
		field.honestPort = await field.listen(undefined);
		field.gateway = await Gateway.start({ 'session.login_timeout': 6, 'ticket.lifetime': 300, ...settings }, { owner });
		field.gateway.agent = new https.Agent({ keepAlive: true, maxSockets: 20 });
		field.gateway.prepare({ device: 'trap', port: field.honestPort, protocol: protocol.toUpperCase(), username: 'root', password: CANARY,
			trust: false, deviceOptions: ['--any-port'] });
		if (protocol === 'ssh') { // not by prepare(), which waits, and with it the target in this process
			const { code, out } = await field.run(['device', 'trust', 'trap', '--protocol', 'SSH', '--yes']);
			assert(code === 0, out);
		}
		field.services = field.pids();
		field.honest = await field.gateway.person();
		await field.honest.live();
		field.watch = setInterval(() => field.measure(), 50);
		return field;
	}

	// A port that plays this attack to whoever connects.
	async listen(attack) {
		const heard = [];
		const server = net.createServer({ noDelay: true }, (socket) => {
			socket.on('error', () => {});
			heard.push(this.serve(socket, attack));
		});
		await new Promise((done) => server.listen(0, '127.0.0.1', done));
		Object.assign(server, { heard });
		this.servers.push(server);
		if (attack) attack.server = server;
		return server.address().port;
	}

	pids() { return SERVICES.map((name) => this.gateway.processes(name)[0]?.pid); }

	measure() {
		const { pid } = this.gateway.process;
		const children = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) ?? [];
		for (const child of children) {
			if (!/^sallyport-worker-\w+: session/.test(attempt(() => readFileSync(`/proc/${child}/cmdline`, 'utf8')) ?? '')) continue;
			const high = Number((attempt(() => readFileSync(`/proc/${child}/status`, 'utf8')) ?? '').match(/VmHWM:\s+(\d+)/)?.[1] ?? 0);
			this.peak = Math.max(this.peak, high);
		}
	}

	// One after another: what the honest person sees is one stream.
	echo() {
		const mark = `m${Math.random().toString(36).slice(2, 8)}`;
		const turn = (this.turn ?? Promise.resolve()).catch(() => {}).then(() => {
			this.honest.type(mark);
			return this.honest.shows(mark, 20000);
		});
		this.turn = turn;
		return turn;
	}

	// A person at this attack's target. The session may be over before anybody can look: what is said of it
	// then stands in `ended` all the same.
	async visit(port) {
		const session = await this.gateway.session({ port });
		const person = new Person(this.gateway);
		await person.open(session.session_url);
		for (let i = 0; i < 3 && !person.welcome && !person.refused; i++)
			await person.attach().catch((error) => { if (!person.refused && !/closed/.test(error.message)) throw error; });
		if (person.refused) {
			const { json } = await this.gateway.request('GET', `/api/pam/remote/session/${session.token}`, { headers: this.gateway.bearer });
			person.ended = { words: json.session.reason ?? person.refused };
		}
		return person;
	}

	// One attack, to its end; what is wrong with how it ended, or undefined.
	async attack(attack) {
		const port = await this.listen(attack);
		const result = { name: attack.name };
		let person;
		try {
			person = await this.visit(port);
			result.session = person.session;
			result.wrong = await this.outcome(attack, person);
		} catch (error) {
			result.wrong = `${attack.name}: ${error.message}`;
		}
		if (person && !person.ended) {
			person.send(FRAME.END);
			await until(() => person.ended, `the end of ${attack.name}`, 30000).catch((error) => (result.wrong ??= error.message));
		}
		person?.close();
		result.words = person?.ended?.words;
		const heard = Buffer.concat(attack.server.heard.map((target) => target.words)).toString('latin1');
		const times = heard.split(CANARY).length - 1;
		if (times > (attack.learns ?? 0)) result.wrong ??= `${attack.name}: the target learned the credential (${times} times)`;
		await this.echo().catch(() => (result.wrong ??= `${attack.name}: the honest session does not echo`));
		attack.server.close();
		this.results.push(result);
		return result.wrong;
	}

	// ends: the words it has to end with. or: 'lives', it may as well live on; 'ends', it may as well end.
	async outcome(attack, person) {
		const patience = attack.patience ?? 20000;
		const live = () => person.state === STATE.LIVE;
		const said = () => {
			const { words, why } = person.ended;
			if (RAW.test(words)) return `${attack.name}: raw characters in ${JSON.stringify(words)}`;
			const wanted = attack.ends ?? (attack.or === 'ends' ? /./ : null);
			return wanted?.test(words) ? undefined : `${attack.name}: ended with ${JSON.stringify(words)} (${why})`;
		};
		if (attack.script?.onLive) {
			await until(() => person.ended || live(), `${attack.name} to be live`, patience);
			if (live()) attack.script.onLive(attack.server.heard.at(-1));
		}
		await until(() => person.ended || (live() && (!attack.ends || attack.or)), `${attack.name} to ${attack.ends ? 'end' : 'be live'}`, patience);
		if (person.ended) return said();
		if (attack.lives) await until(() => person.ended || attack.lives(attack.server.heard.at(-1), person), `${attack.name} to have its way`, patience);
		if (!person.ended && attack.answers !== false) {
			// what is still on its way may be left out, and the echo with it: then it is a part of a screen
			const again = setInterval(() => person.type('still-here'), 1000);
			person.type('still-here');
			await until(() => person.ended || person.text.includes('still-here'), `an echo after ${attack.name}`, patience)
				.finally(() => clearInterval(again));
		}
		if (attack.hidden && person.seen.includes(CANARY)) return `${attack.name}: the person saw the credential`;
		if (person.ended) return said();
		const heard = Buffer.concat(attack.server.heard.map((target) => target.words)).toString('latin1');
		if (attack.secret?.test(heard)) return `${attack.name}: was told ${heard.match(attack.secret)}`;
		const never = attack.never?.find((type) => attack.server.heard.some((target) => target.heard.some((bytes) => bytes[0] === type)));
		return never === undefined ? undefined : `${attack.name}: was answered with message ${never}`;
	}

	async attackAll(attacks, atOnce = 20) {
		const queue = [...attacks];
		const wrong = [];
		await Promise.all(Array.from({ length: atOnce }, async () => {
			while (queue.length) {
				const what = await this.attack(queue.shift());
				if (what) wrong.push(what);
			}
		}));
		return wrong;
	}

	run(words) {
		const child = spawn(this.gateway.program, ['--data', this.gateway.data, ...words], { stdio: ['ignore', 'pipe', 'pipe'], ...this.gateway.owner });
		let out = '';
		child.stdout.on('data', (text) => (out += text));
		child.stderr.on('data', (text) => (out += text));
		return new Promise((done) => child.on('close', (code) => done({ code, out })));
	}

	// share: one in so many is verified; of those one in four is read.
	async readAll(share) {
		const queue = this.results.filter(({ session, wrong }, at) => session && at % share === 0);
		await Promise.all(Array.from({ length: 4 }, async () => {
			while (queue.length) {
				const { name, session, read: wanted } = queue.pop();
				const verified = await this.run(['recording', 'verify', this.gateway.recordingFile(session)]);
				assert(verified.code === 0 && /intact/i.test(verified.out), `the recording of ${name}: ${verified.out}`);
				if (queue.length % 4 !== 0 && !wanted && !/escapes/.test(name)) continue; // each is a release of a key
				const read = await this.run(['recording', 'export', session, '--format', 'text']);
				assert(read.code === 0, `the recording of ${name} cannot be read: ${read.out.slice(-200)}`);
				this.nothingRaw(`the recording of ${name} as text`, read.out);
			}
		}));
	}

	nothingRaw(what, text) {
		const at = text.search(RAW);
		assert(at < 0, `raw characters in ${what}: ${JSON.stringify(text.slice(Math.max(0, at - 60), at + 20))}`);
	}

	// A crash ends one session, and is on record before the next second.
	onRecord(numbers) {
		const rows = [];
		for (let more; (more = this.gateway.cli(['audit', 'list', '--after', String(rows.at(-1)?.sequence ?? 0)])).length > 0;) rows.push(...more);
		for (const number of numbers)
			assert(rows.some((row) => row.event === 'session.ended' && row.object === `session:${number}`), `the crash of session ${number} is not on record`);
	}

	// What must hold in the end. crashes: 'none', or 'audited' where a protocol library may have its bugs.
	async check({ crashes = 'none', share = 1 } = {}) {
		await this.echo();
		equal(this.pids(), this.services, 'no process of the gateway was replaced');
		assert(!/service\.(exited|struck)/.test(this.gateway.log), this.gateway.log.match(/.*service\.(exited|struck).*/)?.[0]);
		await until(() => this.gateway.processes('worker').filter(({ args }) => args.includes('session')).length <= 1, 'the workers to be gone', 30000);
		const crashed = [...this.gateway.log.matchAll(/"session (\d+), status (\d+)"/g)].filter(([, , status]) => ![0, KILLED].includes(Number(status) & 0x7f));
		this.crashes = crashed.length;
		if (crashes === 'none') equal(crashed.map(([line]) => line), [], 'workers that crashed');
		else this.onRecord(crashed.map(([, number]) => number));
		assert(this.peak > 0 || !this.gateway.process, 'no worker was measured');
		assert(this.peak < MEMORY_MOST, `a worker had ${this.peak} KiB`);
		await this.readAll(share);
		this.nothingRaw('the log', this.gateway.log);
		for (const words of [['session', 'list', '--limit', '1000'], ['audit', 'list'], ['recording', 'list', '--limit', '1000']])
			this.nothingRaw(words.join(' '), (await this.run(words)).out);
	}

	async stop() {
		clearInterval(this.watch);
		this.gateway.agent.destroy();
		await this.honest?.close();
		await this.gateway.stop();
		for (const server of this.servers) server.close();
	}
}
