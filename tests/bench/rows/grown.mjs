// SPDX-License-Identifier: Apache-2.0
// What calls cost with 100 devices, and with 100,000 and 300,000 credentials, put there by SQL; and what a list of all
// of them takes of memory.
import { readFileSync } from 'node:fs';
import https from 'node:https';

import { Cluster } from '../../lib/postgresql.mjs';
import { median, quantile } from '../world.mjs';

const SMALL = 100;
const LARGE = 100000;
const KEYS_EACH = 3;
const MOST = 2; // times what it costs with few
const GROWS_KIB = 3072;

// Devices and their credentials belong to the application's authorization.
function fill(gateway, from, to, owner) {
	const added = `d.hostname LIKE 'many%' AND CAST(substr(d.hostname, 5) AS INTEGER) >= ${from}`;
	gateway.sql(`UPDATE devices SET owner_authorization = ${owner}`);
	gateway.sql(`UPDATE credentials SET owner_authorization = ${owner}`);
	gateway.sql(`INSERT INTO devices (hostname, hostname_key, ip, created_at, changed_at, model, vendor, type, site, owner_authorization)
		WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to})
		SELECT 'many' || i, 'many' || i, '10.1.2.3', 1, 1, 'model', 'vendor', 'type', 'site', ${owner} FROM n`);
	gateway.sql(`INSERT INTO connectivities (device_id, protocol, port) SELECT d.id, 'ssh', 22 FROM devices d WHERE ${added}`);
	gateway.sql(`INSERT INTO credentials (device_id, identifier, username, kind, version, key_version, sealed, created_at, owner_authorization)
		SELECT d.id, d.hostname || '-' || k.k, 'user' || k.k, c.kind, c.version, c.key_version, c.sealed, 1, ${owner}
		FROM devices d, credentials c, (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3) k
		WHERE c.id = 1 AND ${added} AND k.k <= ${KEYS_EACH}`);
	if (gateway.store) gateway.sql('ANALYZE'); // as the server itself does after a while
}

const kinds = {
	'GET device': (number) => ['GET', `/api/pam/device/many${number}`],
	'POST device that is new': (number, serial) => ['POST', '/api/pam/device', { hostname: `new${serial}`, ip: '10.2.3.4', model: 'm', type: 't',
		vendor: 'v', site: 's', connectivities: 'SSH:22' }],
	'POST remote/session': (number) => ['POST', '/api/pam/remote/session', { user: 'ana', credential: 'user2', device: `many${number}`,
		protocol: 'ssh' }],
};

let serial = 0;
async function measure(gateway, kind, devices, times) {
	const taken = [];
	for (let i = 0; i < times; i++) {
		const [method, target, body] = kinds[kind](1 + Math.floor(Math.random() * devices), ++serial);
		const began = process.hrtime.bigint();
		const answer = await gateway.request(method, target, { headers: gateway.bearer, body, agent: gateway.bench.agent });
		taken.push(Number(process.hrtime.bigint() - began) / 1e6);
		if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${answer.text}`);
	}
	return quantile(taken, 0.5);
}

const memoryOf = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]);

// Most that front or broker grew while one list was read; and what the list was.
async function list(gateway) {
	const pids = ['front', 'broker'].map((name) => gateway.processes(name)[0].pid);
	const before = pids.map(memoryOf);
	let grown = 0, bytes = 0, chunks = 0;
	const began = Date.now();
	await new Promise((done, fail) => {
		https.get({ host: '127.0.0.1', port: gateway.port, path: '/api/pam/device', rejectUnauthorized: false, agent: false, setHost: false,
			headers: { Host: gateway.host, ...gateway.bearer } }, async (answer) => {
			try {
				for await (const chunk of answer) {
					bytes += chunk.length;
					if (chunks++ % 50 === 0) pids.forEach((pid, i) => (grown = Math.max(grown, memoryOf(pid) - before[i])));
				}
				done();
			} catch (error) { fail(error); }
		}).on('error', fail);
	});
	return { grown, bytes, seconds: (Date.now() - began) / 1000 };
}

async function on(bench, store, options) {
	const { world, quick } = bench;
	const gateway = await world.gateway({}, options);
	const times = quick ? 300 : 1000;
	gateway.keys = gateway.cli(['authorization', 'add', '--application', 'portal', '--resource', 'pam-core:rw,web-proxy-session:rw']);
	const { id: owner } = gateway.cli(['authorization', 'list']).at(-1);
	await gateway.token();
	const reopen = async (from, to) => {
		await gateway.stop({ keep: true });
		fill(gateway, from, to, owner);
		await gateway.serve();
	};
	const all = async (devices) => {
		const said = {};
		for (const kind of Object.keys(kinds)) {
			await measure(gateway, kind, devices, 50); // what is needed once
			said[kind] = median([await measure(gateway, kind, devices, times), await measure(gateway, kind, devices, times)]);
		}
		return said;
	};

	bench.say(`calls with ${SMALL} devices, ${store}`);
	await reopen(1, SMALL);
	const few = await all(SMALL);
	bench.say(`calls with ${LARGE.toLocaleString('en-US')} devices and ${(LARGE * KEYS_EACH).toLocaleString('en-US')} credentials`);
	await reopen(SMALL + 1, LARGE);
	const many = await all(LARGE);
	for (const kind of Object.keys(kinds)) {
		const ratio = many[kind] / few[kind];
		bench.row({ name: `${kind}, ${LARGE.toLocaleString('en-US')} devices, ${store}, p50`, unit: 'ms', ours: many[kind], beside: few[kind],
			peer: `${SMALL} devices`, ratio, goal: `<= ${MOST} x as with few`, met: ratio <= MOST });
	}
	await list(gateway); // what is needed once: the pages that the store keeps at hand
	const listed = await list(gateway);
	bench.row({ name: `list of them all, again, ${store}: growth of front or broker`, unit: 'KiB', ours: listed.grown, goal: `<= ${GROWS_KIB} KiB`,
		met: listed.grown <= GROWS_KIB, note: `${(listed.bytes / 2 ** 20).toFixed(1)} MiB in ${listed.seconds.toFixed(1)} s` });
	await world.stopGateway(gateway);
}

export async function grown(bench) {
	await on(bench, 'SQLite', {});
	const cluster = await Cluster.start();
	await on(bench, 'PostgreSQL', { cluster });
	await cluster.stop();
}
