// SPDX-License-Identifier: Apache-2.0
// Terminal output to a person who reads as fast as possible, beside plain ssh -tt; and the recording
// that came of it.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { build } from '../../lib/gateway.mjs';
import { load, median } from '../world.mjs';

const MIB = 1 << 20;
const GIB = 1 << 30;

async function compare(bench, command, rounds) {
	const { world, gateway } = bench;
	const said = { ssh: [], ours: [] };
	for (let round = 0; round < rounds; round++) {
		said.ssh.push(await load('flood', [0, command], world.ssh()[0]));
		said.ours.push(await load('flood', [gateway.process.pid, command], (await world.pages(gateway))[0]));
		await world.endSessions(gateway);
	}
	const speed = (one) => one.bytes / one.seconds / 1e6;
	const cpu = (one) => one.cpu_us / 1e6 / (one.bytes / GIB);
	const middle = (what) => ({ ours: median(said.ours.map(what)), beside: median(said.ssh.map(what)),
		ratio: median(said.ours.map((one, i) => what(one) / what(said.ssh[i]))) });
	return { speed: middle(speed), cpu: middle(cpu), bytes: said.ours.at(-1).bytes };
}

function newestRecording(gateway) {
	const directory = path.join(gateway.data, 'recordings');
	const files = readdirSync(directory).filter((name) => name.endsWith('.rec')).map((name) => path.join(directory, name));
	return files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

function recording(bench, bytes) {
	const file = newestRecording(bench.gateway);
	const size = statSync(file).size / bytes;
	bench.row({ name: 'size of its recording, of the output', unit: '', ours: size, goal: '<= 0.40', met: size <= 0.4 });
	const began = process.hrtime.bigint();
	const done = spawnSync(path.join(build, 'sallyport'), ['--data', bench.gateway.data, 'recording', 'verify', file],
		{ encoding: 'utf8' });
	const seconds = Number(process.hrtime.bigint() - began) / 1e9 * GIB / bytes;
	if (done.status !== 0) throw new Error(`recording verify: ${done.stderr}${done.stdout}`);
	bench.row({ name: 'recording verify', unit: 's/GiB of output', ours: seconds, goal: '<= 2 s', met: seconds <= 2 });
}

export async function output(bench) {
	const { world, quick } = bench;
	const size = (quick ? 64 : 256) * MIB;
	const file = world.log(size);

	bench.say(`${size / MIB} MiB of log through cat`);
	const log = await compare(bench, `cat ${file}`, 3);
	bench.row({ name: `${size / MIB} MiB log through cat, speed`, unit: 'MB/s', ...log.speed, peer: 'ssh -tt',
		goal: '>= 0.90 of ssh', met: log.speed.ratio >= 0.9 });
	bench.row({ name: '  CPU of all our processes', unit: 's/GiB', ...log.cpu, peer: 'ssh -tt', goal: '<= 2.2 x ssh',
		met: log.cpu.ratio <= 2.2 });
	recording(bench, log.bytes);

	bench.say('seq 1 5000000');
	const lines = await compare(bench, 'seq 1 5000000', quick ? 2 : 3);
	bench.row({ name: 'seq 1 5000000, speed', unit: 'MB/s', ...lines.speed, peer: 'ssh -tt' });
	bench.row({ name: '  CPU of all our processes', unit: 's/GiB', ...lines.cpu, peer: 'ssh -tt', goal: '<= 2.2 x ssh',
		met: lines.cpu.ratio <= 2.2 });
}
