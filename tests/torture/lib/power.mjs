// SPDX-License-Identifier: Apache-2.0
// A small ext4 on a disk that remembers every write and flush (tools/power.c), and the same file system as it
// would be found after the power went at any moment of that history.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { endWith, until } from '../../lib/story.mjs';
import { run, tool } from './tools.mjs';

const MIB = 40;
const mounted = new Set();
process.on('exit', () => { for (const place of [...mounted].reverse()) spawnSync('umount', ['-l', place]); });

function mount(image, place) {
	run('mount', ['-t', 'ext4', '-o', 'loop,noatime', image, place]);
	mounted.add(place);
}

function unmount(place) {
	if (!mounted.has(place)) return;
	// Whoever just looked may not have let go yet.
	for (let tries = 0; spawnSync('umount', [place]).status !== 0; tries++) {
		if (tries > 200) throw new Error(`${place} cannot be unmounted`);
		spawnSync('sleep', ['0.02']);
	}
	mounted.delete(place);
}

export class RememberingDisk {
	// undefined where this machine has no FUSE, no loop devices, or no rights to them
	static async start() {
		if (process.getuid() !== 0 || !existsSync('/dev/fuse') || !existsSync('/dev/loop-control')) return undefined;
		const disk = new RememberingDisk();
		disk.room = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'power-'));
		for (const name of ['fuse', 'live', 'cut']) mkdirSync(path.join(disk.room, name));
		disk.image = path.join(disk.room, 'image');
		writeFileSync(disk.image, '');
		truncateSync(disk.image, MIB << 20);
		run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', '-J', 'size=4', disk.image]);
		disk.log = path.join(disk.room, 'log');
		disk.place = path.join(disk.room, 'live');
		try {
			await disk.serve();
			return disk;
		} catch (error) {
			disk.why = error.message;
			disk.end();
			return undefined;
		}
	}

	async serve() {
		const fuse = path.join(this.room, 'fuse');
		this.process = endWith(spawn(tool('power'), ['disk', this.image, fuse, this.log], { stdio: ['ignore', 'pipe', 'inherit'] }));
		this.exited = new Promise((done) => this.process.on('exit', done));
		let said = '';
		this.process.stdout.on('data', (text) => (said += text));
		await until(() => said.includes('ready') || this.process.exitCode !== null, 'the disk', 10000);
		if (!said.includes('ready')) throw new Error('no FUSE');
		mounted.add(fuse);
		mount(path.join(fuse, 'disk'), this.place);
		this.descriptor = openSync(this.log, 'r');
	}

	// Everything written and flushed until now stands before this position.
	position() {
		return fstatSync(this.descriptor).size;
	}

	// No more history: the live file system goes away.
	async close() {
		unmount(this.place);
		unmount(path.join(this.room, 'fuse'));
		await this.exited;
	}

	// [{ end, ms }]: where each entry of the history ends, and when it was
	entries() {
		return run(tool('power'), ['positions', this.log]).trim().split('\n').map((line) => {
			const [end, ms] = line.split(' ').map(Number);
			return { end, ms };
		});
	}

	// Calls look(place, position, ms) with the file system after each cut; points: ascending positions.
	async cuts(points, dice, look) {
		const out = path.join(this.room, 'out');
		const place = path.join(this.room, 'cut');
		const child = endWith(spawn(tool('power'), ['cut', this.image, this.log, out], { stdio: ['pipe', 'pipe', 'inherit'] }));
		const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
		try {
			for (const position of points) {
				const draw = dice.below(2 ** 31);
				child.stdin.write(`${position} ${draw}\n`);
				const ms = Number((await lines.next()).value);
				mount(out, place);
				try {
					await look(place, position, ms);
				} catch (error) {
					throw Object.assign(new Error(`power cut at ${position} (draw ${draw}): ${error.message}`), { point: position });
				} finally {
					unmount(place);
				}
			}
		} finally {
			child.stdin.end();
		}
	}

	end() {
		for (const name of ['cut', 'live', 'fuse']) unmount(path.join(this.room, name));
		if (this.descriptor) closeSync(this.descriptor);
		rmSync(this.room, { recursive: true, force: true });
	}
}
