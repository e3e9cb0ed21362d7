// SPDX-License-Identifier: Apache-2.0
// A gateway whose Telnet worker is the villain (tests/villain), on a machine that may have less than this
// one, and the villain at work: every attempt in a session of its own, several at a time.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Gateway, build, programs } from './gateway.mjs';
import { FRAME } from './person.mjs';
import { assert, until } from './story.mjs';

// The gateway's programs with some replaced: { 'sallyport-worker-telnet': 'villain' }.
export function stagePrograms(replaced) {
	const wanted = [...new Set([...Object.values(replaced), 'mask'])].map((name) => `meson-out/${name}`);
	const done = spawnSync('ninja', ['-C', build, ...wanted], { encoding: 'utf8' });
	assert(done.status === 0, done.stdout + done.stderr);
	const directory = mkdtempSync(path.join(tmpdir(), 'villain-'));
	const names = readdirSync(programs).filter((file) => /^sallyport(-[a-z-]+)?$/.test(file));
	for (const name of new Set([...names, ...Object.keys(replaced), 'mask']))
		copyFileSync(path.join(programs, replaced[name] ?? name), path.join(directory, name));
	chmodSync(directory, 0o755);
	return directory;
}

// less: words for tests/villain/mask.c.
export async function lair({ owner, less = [], settings = {} }, run) {
	const directory = stagePrograms({ 'sallyport-worker-telnet': 'villain' });
	const heard = { bytes: '' };
	const target = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.on('data', (data) => (heard.bytes += data));
	});
	await new Promise((done) => target.listen(0, '127.0.0.1', done));
	const wrap = less.length ? [path.join(directory, 'mask'), ...less, '--'] : [];
	const gateway = await Gateway.start({ 'ticket.lifetime': 300, ...settings }, { owner, programs: directory, wrap });
	gateway.agent = new https.Agent({ keepAlive: true, maxSockets: 20 });
	try {
		gateway.prepare({ device: 'lair', port: target.address().port, protocol: 'TELNET', username: 'root',
			password: 'canary-villain', trust: false });
		await run(gateway, heard);
	} finally {
		gateway.agent.destroy();
		await gateway.stop();
		target.close();
		rmSync(directory, { recursive: true });
	}
}

// A session with the villain in it, whom the person orders about.
export async function summon(gateway) {
	const person = await gateway.person();
	await person.shows('at your service', 30000);
	return person;
}

// [{ name, class, becomes }]: what the villain can try.
export async function attemptsOf(gateway) {
	const person = await summon(gateway);
	person.type('list\r');
	await person.shows('list is complete');
	person.send(FRAME.END);
	await person.over();
	return [...person.seen.matchAll(/^(\w+) (E\d) (deadly|struck|refused|bounded|granted)\r?$/gm)]
		.map(([, name, kind, becomes]) => ({ name, class: kind, becomes }));
}

// What became of one attempt.
async function attempt(gateway, row) {
	const person = await summon(gateway);
	const ordered = Date.now();
	person.type(`${row.name}\r`);
	await until(() => person.ended || /refused \(|GOT AWAY|is unknown/.test(person.seen), `an end of ${row.name}`, 60000);
	const [said] = person.seen.match(/refused \(\d+\)|GOT AWAY|is unknown/) ?? [];
	const result = { ...row, session: person.session, ordered, said, ended: person.ended };
	if (!person.ended) person.send(FRAME.END);
	return result;
}

export async function tryAll(gateway, rows, atOnce = 20) {
	const queue = [...rows];
	const results = [];
	await Promise.all(Array.from({ length: atOnce }, async () => {
		while (queue.length) results.push(await attempt(gateway, queue.shift()));
	}));
	return results;
}
