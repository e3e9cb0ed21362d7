// SPDX-License-Identifier: Apache-2.0
// Many short visits, as cheaply as they can be made, and what each process has at a moment: memory, descriptors,
// threads, files.
import { readFileSync, readdirSync } from 'node:fs';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { FRAME, Person, STATE } from '../../lib/person.mjs';
import { family } from './life.mjs';

const STAYING = ['front', 'broker', 'vault', 'recorder'];

export class Crowd {
	constructor(gateway) {
		Object.assign(this, { gateway, done: 0, failed: 0, opening: [] });
		this.agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
	}

	// Opens a URL, comes live, stays a while, and ends the session. change: of the request.
	async visit({ change = {}, stay = 0 } = {}) {
		const answer = await this.gateway.create(change, { agent: this.agent });
		if (answer.status !== 200) throw new Error(`create: ${answer.status} ${answer.text}`);
		const person = new Person(this.gateway, { agent: this.agent });
		const opening = performance.now();
		await person.open(answer.json.session.session_url);
		this.opening.push(performance.now() - opening);
		await person.attach();
		await new Promise((done, fail) => {
			const look = () => (person.ended ? fail(new Error(person.ended.words)) : person.state === STATE.LIVE && done());
			person.onFrame = look;
			person.socket.on('close', () => fail(new Error('closed')));
			look();
		});
		if (stay) await sleep(stay);
		person.send(FRAME.END);
		await new Promise((done) => {
			person.onFrame = () => person.ended && done();
			person.socket.on('close', done);
			if (person.ended) done();
		});
		person.socket.terminate();
		this.done++;
	}

	// So many visits, a few at a time.
	async visits(count, atATime) {
		let left = count;
		await Promise.all(Array.from({ length: atATime }, async () => {
			while (left-- > 0) await this.visit();
		}));
	}

	end() {
		this.agent.destroy();
	}
}

function status(pid) {
	const text = readFileSync(`/proc/${pid}/status`, 'utf8');
	const number = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))?.[1] ?? 0);
	return { kib: number('RssAnon'), threads: number('Threads'), fds: readdirSync(`/proc/${pid}/fd`).length };
}

// { broker: { kib, fds, threads }, .. }: those that stay; files: what lies in the installation but recordings.
export function figures(gateway) {
	const all = { supervisor: status(gateway.process.pid) };
	const children = family(gateway);
	for (const { pid, name, title } of children)
		if (STAYING.includes(name) || title === 'template') all[title === 'template' ? title : name] = status(pid);
	const files = readdirSync(gateway.data, { recursive: true, withFileTypes: true }).filter(({ name }) => !name.endsWith('.rec')).length;
	return { processes: all, files, workers: children.filter(({ name, title }) => !STAYING.includes(name) && title !== 'template').length };
}

export const zombies = (gateway) => family(gateway).filter(({ pid }) => {
	try {
		return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		return false;
	}
}).length;

// Least squares: how much y grows for each x.
export function slope(points) {
	const n = points.length;
	const mean = (key) => points.reduce((sum, point) => sum + point[key], 0) / n;
	const [x, y] = [mean(0), mean(1)];
	const over = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
	return over === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / over;
}

// What goes on growing, for each x: a table that grew once stands in one half alone, a leak in both.
export function growth(points) {
	const middle = points.length >> 1;
	return Math.min(slope(points.slice(0, middle + 1)), slope(points.slice(middle)));
}
