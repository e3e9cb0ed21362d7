// SPDX-License-Identifier: Apache-2.0
// A worker that was taken over by its target: the villain sits in the telnet worker's place, behind
// the real walls, and tries everything, on machines of five kinds.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';

import { attemptsOf, lair, stagePrograms, tryAll } from '../lib/lair.mjs';
import { isRoot } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const SIGSYS = 31;
const AT_ONCE = process.env.SALLYPORT_AT_ONCE && Number(process.env.SALLYPORT_AT_ONCE);
const WORKER_DIED = /WORKER_DIED/;
const nobody = { uid: 65534, gid: 65534 };
const ALONE = /by seccomp and Landlock alone/;
const MISSING = /this kernel has no Landlock/;
// less: what the machine does not have; says: what the gateway's log has to say about it
const modes = {
	'started as root': {},
	'as an ordinary user': { owner: nobody },
	'as an ordinary user where there are no namespaces': { owner: nobody, less: ['namespaces'], says: [ALONE] },
	'on the kernel of Debian 12': { owner: nobody, less: ['landlock=2', 'calls=451'] },
	'with seccomp alone': { owner: nobody, less: ['namespaces', 'landlock', 'calls=451'], says: [ALONE, MISSING] },
};

// How each worker ended, by its session's number: from the gateway's own log.
const endings = (gateway) => Object.fromEntries([...gateway.log.matchAll(/"detail":"session (\d+), status (\d+)"/g)]
	.map(([, session, status]) => [session, Number(status) & 0x7f]));

function auditOf(gateway) {
	const rows = [];
	for (;;) {
		const more = gateway.cli(['audit', 'list', '--after', String(rows.at(-1)?.sequence ?? 0)]);
		if (more.length === 0) return rows;
		rows.push(...more);
	}
}

// What should have become of it, or the words of a complaint.
function judge(result, signals, number) {
	const { name, becomes, said, ended } = result;
	if (/unknown/.test(said)) return `${name} is unknown`;
	if (becomes === 'granted') return /GOT AWAY/.test(said) ? null : `${name} was not granted: ${said ?? JSON.stringify(ended)}`;
	if (/GOT AWAY/.test(said)) return `${name} GOT AWAY WITH IT`;
	if (becomes === 'refused') return /refused/.test(said) || ended ? null : `${name}: no refusal`;
	if (!ended) return `${name} lives on: ${said}`;
	if (becomes === 'deadly' && signals[number] !== SIGSYS) return `${name} ended by signal ${signals[number]}`;
	return null;
}

async function everythingIsTried(gateway, title) {
	const rows = await attemptsOf(gateway);
	for (const kind of ['E1', 'E2', 'E3', 'E4', 'E5', 'E7', 'E8'])
		assert(rows.some((row) => row.class === kind), `no attempt of ${kind}`);
	assert(rows.length >= 200, `only ${rows.length} attempts`);
	const services = ['front', 'broker', 'vault', 'recorder'].map((name) => gateway.processes(name)[0].pid);
	const results = await tryAll(gateway, rows.filter((row) => row.becomes !== 'bounded'), AT_ONCE);
	await until(() => gateway.processes('worker').filter(({ args }) => args.includes('session')).length === 0, 'the last villain to be gone', 20000);

	const numbers = Object.fromEntries(gateway.cli(['recording', 'list', '--limit', '1000']).map((row) => [row.session_id, row.session]));
	const signals = endings(gateway);
	equal(results.map((result) => judge(result, signals, numbers[result.session])).filter(Boolean), [], `of ${rows.length} attempts ${title}`);

	// each death is on record, and soon
	const audit = auditOf(gateway).filter((row) => row.event === 'session.ended' && WORKER_DIED.test(JSON.stringify(row)));
	const deaths = results.filter((result) => ['deadly', 'struck'].includes(result.becomes));
	const delays = deaths.map((result) => {
		const row = audit.find(({ detail }) => JSON.stringify(detail).includes(result.session));
		assert(row, `the death of ${result.name} is not on record`);
		return Date.parse(row.at ?? row.time) - result.ordered;
	}).sort((a, b) => a - b);
	assert(AT_ONCE || delays[Math.floor(delays.length * 0.9)] < 1000, `nine in ten deaths on record within ${delays[Math.floor(delays.length * 0.9)]} ms`);
	equal(services, ['front', 'broker', 'vault', 'recorder'].map((name) => gateway.processes(name)[0].pid), 'nobody else died');
	console.log(`     ${title}: ${rows.length} attempts, ${deaths.length} deaths, on record within ${delays[delays.length >> 1]} ms (median), ${delays.at(-1)} ms (all)`);
}

story('the mask takes away what it says', async () => {
	const directory = stagePrograms({});
	const mask = path.join(directory, 'mask');
	const show = (...less) => spawnSync(mask, [...(less.length ? [...less, '--'] : []), ...(less.length ? [mask] : []), 'show'], { encoding: 'utf8' }).stdout.trim();
	try {
		const here = show();
		assert(/^landlock \d+ namespaces (yes|no) call 451 (known|unknown)$/.test(here), here);
		equal(show('namespaces').split(' ')[3], 'no', 'namespaces');
		equal(show('landlock').split(' ')[1], '0', 'Landlock');
		if (!/^landlock 0/.test(here)) equal(show('landlock=2').split(' ')[1], '2', 'an older Landlock');
		equal(show('calls=451').split(' ')[6], 'unknown', 'newer system calls');
		equal(show('calls=600'), here, 'nothing that is there');
	} finally {
		rmSync(directory, { recursive: true });
	}
});

story('a worker taken over by its target gets nowhere, on five kinds of machine', async () => {
	const meet = ([title, options]) =>
		lair({ ...options, owner: isRoot ? options.owner : undefined }, async (gateway) => {
			await everythingIsTried(gateway, title);
			for (const words of options.says ?? []) assert(words.test(gateway.log), `${title}: the log does not say ${words}`);
		});
	// a slow machine (an emulated one) takes them one after the other
	if (AT_ONCE) for (const mode of Object.entries(modes)) await meet(mode);
	else await Promise.all(Object.entries(modes).map(meet));
}, { seconds: AT_ONCE ? 3000 : 300 });
