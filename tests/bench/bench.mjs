// SPDX-License-Identifier: Apache-2.0
// ./dev bench [--json] [--quick] [--only calls,output,..]: how fast the gateway is, as ratios to nginx
// and plain ssh measured in the same run. docs/benchmarks.md says what each row means.
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

import { World } from './world.mjs';
import { calls, postgresql } from './rows/calls.mjs';
import { gone } from './rows/gone.mjs';
import { grown } from './rows/grown.mjs';
import { busy, keys } from './rows/keys.mjs';
import { memory } from './rows/memory.mjs';
import { opening } from './rows/opening.mjs';
import { output } from './rows/output.mjs';
import { slow } from './rows/slow.mjs';

const CORES = 2; // gateway, target and load share them; a larger machine is made as small
const words = process.argv.slice(2);
const take = (name) => words.includes(name) && words.splice(words.indexOf(name), 1).length > 0;
const json = take('--json');
const quick = take('--quick');
const only = words[0] === '--only' ? words.splice(0, 2)[1].split(',') : undefined;
if (words.length) {
	console.error('bench [--json] [--quick] [--only ROWS]');
	process.exit(2);
}

// On a machine with more cores: the same again, on two of them.
if (cpus().length > CORES && !process.env.SALLYPORT_BENCH_PINNED) {
	const done = spawnSync('taskset', ['-c', `0-${CORES - 1}`, process.execPath, ...process.argv.slice(1)],
		{ stdio: 'inherit', env: { ...process.env, SALLYPORT_BENCH_PINNED: '1' } });
	process.exit(done.status ?? 1);
}

const figure = (value) => value === undefined ? '' : value >= 1000 ? Math.round(value).toLocaleString('en-US') :
	value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);

class Bench {
	rows = [];
	quick = quick;

	say(text) {
		console.error(`\x1b[2m${text}\x1b[0m`);
	}

	row(row) {
		this.rows.push(row);
	}

	table() {
		const lines = [['what', 'ours', 'beside', 'ratio', 'goal', '']];
		for (const row of this.rows) {
			const unit = row.unit ? ` ${row.unit}` : '';
			const beside = row.beside === undefined ? '' : `${figure(row.beside)}${unit} (${row.peer})`;
			lines.push([row.name, row.failed ? 'not measured' : `${figure(row.ours)}${unit}`, beside, row.added === undefined ? figure(row.ratio) : `+${row.added.toFixed(2)}`,
				row.goal ?? '', row.goal === undefined || row.met === undefined ? '' : row.met ? 'met' : 'MISSED']);
			if (row.note) lines.push([`    (${row.note})`, '', '', '', '', '']);
		}
		const widths = lines[0].map((_, i) => Math.max(...lines.filter((line) => line.slice(1).some(Boolean)).map((line) => line[i].length)));
		return lines.map((line) => line.map((cell, i) => i > 0 && i < 4 && line[1] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))
			.join('  ').trimEnd()).join('\n');
	}
}

const bench = new Bench();
const all = { calls, postgresql, output, keys, busy, opening, slow, memory, gone, grown };
const shared = new Set(['output', 'keys', 'busy', 'opening', 'slow']); // these use one gateway
const began = Date.now();

async function run() {
	bench.world = await World.start({ quick });
	for (const [name, rows] of Object.entries(all)) {
		if (only && !only.includes(name)) continue;
		try {
			if (shared.has(name)) bench.gateway ??= await bench.world.gateway();
			await rows(bench);
		} catch (error) {
			console.error(`${name}: ${error.stack}\n${bench.world.last?.log.slice(-2000) ?? ''}`);
			bench.row({ name, failed: error.message.split('\n')[0] });
		}
	}
}

let stopping;
const stop = () => (stopping ??= bench.world?.stop());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, async () => { await stop(); process.exit(1); });
try {
	await run();
} finally {
	await stop();
}
const about = { date: new Date().toISOString().slice(0, 10), quick, seconds: Math.round((Date.now() - began) / 1000),
	cores: Math.min(cpus().length, CORES), memory_gib: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version };
if (json) console.log(JSON.stringify({ ...about, rows: bench.rows }));
else console.log(`${bench.table()}\n\n${about.date}, ${about.cores} cores, ${about.memory_gib} GiB, Linux ${about.kernel}, ${about.seconds} s`);
process.exit(bench.rows.some((row) => row.failed) ? 1 : 0);
