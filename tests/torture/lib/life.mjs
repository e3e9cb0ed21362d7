// SPDX-License-Identifier: Apache-2.0
// Callers, people and an administrator of one gateway, who write down whatever was acknowledged to them, and
// afterwards compare: everything acknowledged is there, nothing is there twice, nothing is half.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { FRAME, Person, STATE } from '../../lib/person.mjs';
import { assert, equal, until } from '../../lib/story.mjs';
import { run } from './tools.mjs';

// A session is told from all others by the address it is pinned to: the store has its token only as a hash.
const addressOf = (number) => `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;

// [{ pid, name, title }] of one gateway: name as in "broker", "worker-telnet", title what ps shows behind it.
// From /proc alone: ps is slow.
export function family(gateway) {
	const { pid } = gateway.process;
	let children = '';
	try {
		children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
	} catch { /* it is gone */ }
	return children.trim().split(' ').filter(Boolean).map(Number).map((child) => {
		try {
			const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', '');
			const [, name, title] = words.match(/^sallyport-([a-z-]+)(?:: *(.*))?/) ?? [];
			return { pid: child, name: name ?? '', title: title ?? '' };
		} catch {
			return { pid: child, name: '', title: '' };
		}
	});
}

// The command line, without holding up everybody else.
export function command(gateway, args, input = '') {
	return new Promise((done, fail) => {
		const child = execFile(gateway.program, ['--data', gateway.data, '--json', ...args], { maxBuffer: 1 << 26, timeout: 60000 },
			(error, out, errors) => (error ? fail(Object.assign(new Error(`${args.join(' ')}: ${errors}${out}`), { out })) : done(out)));
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}

export class Life {
	// position: where in something else an acknowledgement stands, for who replays that something
	constructor(gateway, shell, dice, { people = 2, position = () => 0, pause = 30, administrate = true, rotate = true } = {}) {
		Object.assign(this, { gateway, shell, dice, position, pause, administrate, rotate, wanted: people });
		Object.assign(this, { acks: [], people: [], urls: [], passwords: ['first'], attempted: 0, serial: 0, made: 0, on: false });
		this.agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
	}

	ack(kind, content) {
		this.acks.push({ kind, at: Date.now(), position: this.position(), ...content });
	}

	prepare() {
		this.gateway.prepare({ device: 'db1', port: this.shell.port, protocol: 'TELNET', username: 'root',
			password: this.passwords[0], trust: false });
	}

	async create() {
		const address = addressOf(++this.made);
		const answer = await this.gateway.create({ remoteAddr: address }, { agent: this.agent });
		if (answer.status !== 200) throw new Error(`create: ${answer.status} ${answer.text}`);
		this.ack('created', { address });
		return { ...answer.json.session, address };
	}

	async drop() {
		const session = await this.create();
		const answer = await this.gateway.request('DELETE', `/api/pam/remote/session/${session.token}`, { headers: this.gateway.bearer });
		if (answer.status === 200) this.ack('dropped', { address: session.address });
	}

	// A person who opens a fresh URL, comes live, and stays.
	async visit() {
		const session = await this.create();
		const person = new Person(this.gateway, { localAddress: session.address });
		await person.open(session.session_url);
		Object.assign(person, { token: session.token, markers: [], url: session.session_url });
		this.ack('opened', { session: person.session, address: session.address });
		await person.attach();
		await until(() => person.ended || person.state === STATE.LIVE || person.socket.readyState > 1, 'a state', 20000);
		if (person.state !== STATE.LIVE) throw new Error(`not live: ${JSON.stringify(person.ended)}`);
		this.ack('live', { session: person.session, address: session.address });
		this.people.push(person);
		return person;
	}

	leave(person) {
		this.people = this.people.filter((other) => other !== person);
		(this.gone ??= []).push(person);
	}

	// Types a word and waits for the target's answer on the screen: from then on it counts as shown.
	async say(person, milliseconds = 10000) {
		const word = `w${++this.serial}x`;
		person.type(`${word}\r`);
		await until(() => {
			if (person.ended || person.socket.readyState > 1) throw new Error('the session is gone');
			return person.seen.includes(`heard ${word}`);
		}, `${word} to be heard`, milliseconds);
		person.markers.push({ word: `heard ${word}`, at: Date.now(), position: this.position() });
	}

	// The same person again, after the connection broke: the session itself is expected to live.
	async again(person) {
		if (person.socket.readyState > 1) await until(() => person.attach().then(() => true, (error) => {
			if (error.status === 410 || /refused/.test(error.message)) throw error;
			return false;
		}), 'the person to be attached again', 10000);
		await this.say(person);
	}

	async administer() {
		const choice = this.dice.below(this.rotate ? 8 : 6);
		if (choice < 4) {
			const login = `u${++this.serial}`;
			await command(this.gateway, ['user', 'add', login]);
			this.ack('user', { login });
		} else if (choice < 7) {
			const password = `p${++this.attempted}`;
			this.passwords.push(password);
			await command(this.gateway, ['credential', 'replace', '--device', 'db1', '--username', 'root', '--password-stdin'], password);
			this.ack('password', { number: this.attempted });
		} else {
			const { key_version } = JSON.parse(await command(this.gateway, ['vault', 'rotate']));
			this.ack('rotated', { key_version });
		}
	}

	start() {
		this.on = true;
		const loop = async (work, least, most) => {
			while (this.on) {
				await work().catch(() => sleep(20));
				await sleep(this.dice.between(least, most));
			}
		};
		this.loops = [loop(() => this.create(), this.pause, this.pause * 2), loop(() => this.drop(), this.pause * 4, this.pause * 8),
			loop(async () => {
				for (const person of [...this.people]) await this.say(person).catch(() => {});
			}, this.pause * 2, this.pause * 4)];
		if (this.administrate) this.loops.push(loop(() => this.administer(), this.pause * 4, this.pause * 10));
	}

	async stop() {
		this.on = false;
		await Promise.all(this.loops ?? []);
		this.loops = [];
	}

	end() {
		this.agent.destroy();
		for (const person of [...this.people, ...(this.gone ?? [])]) person.socket?.terminate();
	}

	store(data = this.gateway.data) {
		return path.join(data, 'store', 'sallyport.db');
	}

	// For each "VALUE FROM .." the list of values. Not read-only: what a crash left may have to be rolled back.
	ask(data, questions) {
		const sql = questions.map((question) => `SELECT json_group_array(value) FROM (SELECT ${question.replace(' FROM', ' AS value FROM')});`);
		const wrapped = sql.map((text, at) => (questions[at].startsWith('json_object') ? text.replace('(value)', '(json(value))') : text));
		return run('sqlite3', [this.store(data), wrapped.join('\n')]).trim().split('\n').map((line) => JSON.parse(line));
	}

	// Compares what was acknowledged with what is in the store. Returns what was compared.
	check(data = this.gateway.data, acks = this.acks) {
		const [sessionRows, users, auditRows, [credential]] = this.ask(data, [
			"json_object('id', id, 'address', remote_addr, 'state', state, 'redeemed_at', redeemed_at) FROM sessions",
			'login FROM users',
			"json_object('what', event || ' ' || object, 'times', count(*)) FROM audit GROUP BY event, object",
			"json_object('version', version) FROM credentials WHERE username = 'root'"]);
		const sessions = new Map(sessionRows.filter((row) => row.address).map((row) => [row.address, row]));
		equal(sessions.size, sessionRows.filter((row) => row.address).length, 'different sessions');
		const audit = new Map(auditRows.map((row) => [row.what, row.times]));
		const once = (event, object) => equal(audit.get(`${event} ${object}`), 1, `audit rows ${event} ${object}`);
		for (const ack of acks) {
			const row = ack.address && sessions.get(ack.address);
			if (ack.address) assert(row, `a session that was acknowledged is lost (${ack.kind})`);
			if (ack.kind === 'created') once('session.created', `session:${row.id}`);
			if (ack.kind === 'opened') {
				assert(row.redeemed_at > 0, `session ${row.id} was opened, and is not`);
				once('session.redeemed', `session:${row.id}`);
			}
			if (ack.kind === 'dropped') {
				equal(row.state, 3, `the state of session ${row.id}, which was ended`);
				once('session.ended', `session:${row.id}`);
			}
			if (ack.kind === 'user') {
				equal(users.filter((login) => login === ack.login).length, 1, `rows of user ${ack.login}`);
				once('user.added', `user:${ack.login}`);
			}
			if (ack.kind === 'rotated') once('vault.rotated', `vault:${ack.key_version}`);
		}
		for (const [what, times] of audit)
			assert(times === 1 || !/^session\.(created|redeemed|live|ended) /.test(what), `${times} audit rows ${what}`);
		const replaced = acks.filter((ack) => ack.kind === 'password').length;
		if (replaced) assert(credential.version > replaced, `version ${credential.version} after ${replaced} acknowledged changes`);
		return { acks: acks.length, sessions: sessionRows.length };
	}

	// What the store says of the end of each session that was opened.
	receipts(data = this.gateway.data) {
		const [rows] = this.ask(data, ["json_object('id', s.session_id, 'sealed', s.recorded, 'text', r.receipt) FROM sessions s" +
			' LEFT JOIN receipts r ON r.session_id = s.id WHERE s.redeemed_at > 0']);
		return rows;
	}

	// A sealed recording has its receipt, which speaks of that very file; no other claims to know one.
	checkReceipts(receipts, recordings) {
		for (const { id, sealed, text } of receipts) {
			assert(!sealed || text, `session ${id} has no receipt`);
			if (!text) continue;
			const { recording } = JSON.parse(text);
			const file = recordings.get(id);
			equal([recording.id, recording.sealed], [id, sealed === 1], `the receipt of ${id}`);
			if (sealed) equal([file?.verdict, file?.head], ['intact', recording.head], `the file of ${id} that has a receipt`);
		}
		return receipts.filter(({ sealed }) => sealed).length;
	}

	// Every recording there is, or of these sessions: intact, or cut short and said so. [{ id, verdict, .. }]
	// The file of a session that nobody ever saw live may be half made: it died with its beginning.
	verify(data = this.gateway.data, wanted) {
		const directory = path.join(data, 'recordings');
		const files = readdirSync(directory).filter((name) => name.endsWith('.rec') && (!wanted || wanted.has(name.slice(0, -4))));
		const live = new Set(this.acks.filter((ack) => ack.kind === 'live').map((ack) => ack.session));
		return files.map((name) => {
			const { out } = this.gateway.cli(['recording', 'verify', path.join(directory, name), '--certificate',
				path.join(data, 'installation.pem')], { expect: null });
			const report = JSON.parse(out);
			assert(['intact', 'cut'].includes(report.verdict) || !live.has(name.slice(0, -4)), `${name}: ${out}`);
			return { id: name.replace(/\.rec$/, ''), file: path.join(directory, name), ...report };
		});
	}

	// An opened session has its recording; what was shown more than a second before the end is in it.
	async checkRecordings(killed, most, receipts) {
		const recordings = new Map(this.verify().map((report) => [report.id, report]));
		const proven = this.checkReceipts(receipts, recordings);
		const people = [...this.people, ...(this.gone ?? [])];
		for (const person of people) assert(recordings.has(person.session), `the recording of ${person.session} is missing`);
		let read = 0;
		for (const person of this.dice.shuffled(people).filter((one) => one.markers.length > 0).slice(0, most)) {
			const end = killed.get(person) ?? Infinity;
			const due = person.markers.filter((marker) => marker.at < end - 1000);
			const text = await command(this.gateway, ['recording', 'export', person.session, '--format', 'text']);
			for (const { word } of due) {
				assert(text.includes(word), `${person.session}: ${word} was shown a second before the crash, and is not recorded`);
				read++;
			}
		}
		return { recordings: recordings.size, proven, read };
	}

	// The secret that is in the vault is the one acknowledged last, or one that was tried after it.
	async checkPassword() {
		const acknowledged = this.acks.filter((ack) => ack.kind === 'password').map((ack) => ack.number);
		const fine = this.passwords.slice(acknowledged.length ? Math.max(...acknowledged) : 0);
		this.shell.passwords = new Set(fine);
		try {
			const person = await this.visit();
			person.send(FRAME.END);
			await person.over();
			this.leave(person);
		} finally {
			this.shell.passwords = undefined;
		}
	}

	exists(file) {
		return existsSync(path.join(this.gateway.data, file));
	}
}
