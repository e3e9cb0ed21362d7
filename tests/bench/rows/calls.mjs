// SPDX-License-Identifier: Apache-2.0
// POST remote/session beside nginx that answers the same bytes without doing anything.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { Cluster } from '../../lib/postgresql.mjs';
import { load, median, quantile, request } from '../world.mjs';

function wrk(world, { port, host, body, bearer, connections, seconds }) {
	const headers = { Host: host, 'Content-Type': 'application/json', ...bearer };
	const script = world.at('wrk.lua');
	writeFileSync(script, ['wrk.method = "POST"', `wrk.body = [[${body}]]`,
		...Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`),
		'done = function(summary, latency, requests)',
		'  local e = summary.errors',
		'  io.write(string.format(\'{"calls":%d,"us":%d,"errors":%d,"p50_ms":%.3f,"p99_ms":%.3f}\\n\', summary.requests,',
		'    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) / 1000,',
		'    latency:percentile(99) / 1000))', 'end', ''].join('\n'), { mode: 0o600 });
	return new Promise((done, fail) => {
		const child = spawn('wrk', [`-t${Math.min(2, connections)}`, `-c${connections}`, `-d${seconds}s`, '-s', script,
			`https://127.0.0.1:${port}/api/pam/remote/session`], { stdio: ['ignore', 'pipe', 'pipe'] });
		let out = '';
		child.stdout.on('data', (text) => (out += text));
		child.on('exit', () => {
			const line = out.split('\n').find((text) => text.startsWith('{'));
			if (!line) return fail(new Error(`wrk: ${out}`));
			const said = JSON.parse(line);
			if (said.errors > 0) return fail(new Error(`wrk: ${said.errors} of ${said.calls} calls failed`));
			return done({ ...said, per_second: said.calls * 1e6 / said.us });
		});
	});
}

// Both sides in turn, as many rounds; { ours: [..], nginx: [..] }.
async function rounds(count, sides, measure) {
	const said = { ours: [], nginx: [] };
	for (let round = 0; round < count; round++)
		for (const name of ['nginx', 'ours']) said[name].push(await measure(sides[name]));
	return said;
}

const middle = (list, field) => median(list.map((one) => one[field]));

// A gateway, nginx with its answer, and what both are asked.
async function pair(bench, options) {
	const { world } = bench;
	const gateway = await world.gateway({}, options);
	const sample = await gateway.create();
	const nginx = await world.nginx(gateway, sample.text);
	const body = JSON.stringify(gateway.request_body);
	return { gateway, nginx, ours: { port: gateway.port, host: gateway.host, body, bearer: gateway.bearer },
		beside: { port: nginx.port, host: `localhost:${nginx.port}`, body, bearer: gateway.bearer } };
}

async function staying(bench, sides, { name, goal, slowest }) {
	const { quick, world } = bench;
	bench.say(name);
	const many = await rounds(quick ? 2 : 3, sides, (side) => wrk(world, { ...side, connections: 32, seconds: quick ? 4 : 10 }));
	const ratio = median(many.ours.map((one, i) => one.per_second / many.nginx[i].per_second));
	bench.row({ name, unit: '/s', ours: middle(many.ours, 'per_second'), beside: middle(many.nginx, 'per_second'), peer: 'nginx',
		ratio, goal: goal && `>= ${goal.toFixed(2)} of nginx`, met: goal && ratio >= goal });
	const p99 = middle(many.ours, 'p99_ms');
	bench.row({ name: '  p99 of one call', unit: 'ms', ours: p99, beside: middle(many.nginx, 'p99_ms'), peer: 'nginx',
		goal: slowest && `<= ${slowest} ms`, met: slowest && p99 <= slowest });
}

// The same with a PostgreSQL server on this machine, which shares its cores.
export async function postgresql(bench) {
	const cluster = await Cluster.start();
	const { gateway, nginx, ours, beside } = await pair(bench, { cluster });
	const sides = { ours, nginx: beside };
	await staying(bench, sides, { name: 'create-session calls on PostgreSQL, 32 TLS connections that stay' });
	const one = await rounds(bench.quick ? 2 : 3, sides, (side) => wrk(bench.world, { ...side, connections: 1, seconds: bench.quick ? 2 : 6 }));
	bench.row({ name: '  one client, one call at a time, p50', unit: 'ms', ours: middle(one.ours, 'p50_ms'),
		beside: middle(one.nginx, 'p50_ms'), peer: 'nginx' });
	await nginx.stop();
	await bench.world.stopGateway(gateway);
	await cluster.stop();
}

export async function calls(bench) {
	const { world, quick } = bench;
	const { gateway, nginx, ours, beside } = await pair(bench);
	const sides = { ours, nginx: beside };
	const times = quick ? 2 : 3;
	await staying(bench, sides, { name: 'create-session calls, 32 TLS connections that stay', goal: 0.2, slowest: 8 });

	bench.say('calls one at a time');
	const one = await rounds(times, sides, (side) => wrk(world, { ...side, connections: 1, seconds: quick ? 2 : 6 }));
	const sync = quantile(await load('sync', [world.at('sync'), 500]), 0.5) / 1000;
	const p50 = middle(one.ours, 'p50_ms');
	bench.row({ name: 'one client, one call at a time, p50', unit: 'ms', ours: p50, beside: middle(one.nginx, 'p50_ms'),
		peer: 'nginx', goal: '<= 0.6 ms', met: p50 <= 0.6, note: `512 bytes appended and synced: ${sync.toFixed(2)} ms` });

	bench.say('a new connection for each call');
	const fresh = await rounds(times, sides, (side) => load('connections', [side.port, 8, quick ? 3 : 8],
		request(side.host, side.body, side.bearer)));
	for (const [name, list] of Object.entries(fresh))
		if (list.some((round) => round.errors > 0)) throw new Error(`${name}: calls on new connections failed`);
	const share = median(fresh.ours.map((round, i) => round.per_second / fresh.nginx[i].per_second));
	bench.row({ name: 'a new TLS connection for each call, 8 at a time', unit: '/s', ours: middle(fresh.ours, 'per_second'),
		beside: middle(fresh.nginx, 'per_second'), peer: 'nginx', ratio: share, goal: '>= 0.85 of nginx', met: share >= 0.85 });
	await nginx.stop();
	await world.stopGateway(gateway);
}
