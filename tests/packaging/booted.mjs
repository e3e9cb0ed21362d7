// SPDX-License-Identifier: Apache-2.0
// The installed tree, and a machine with systemd that it is installed on (boot.sh).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from '../lib/gateway.mjs';
import { assert, until } from '../lib/story.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

// What `meson install` would put on a machine, in a directory.
export function stage() {
	const directory = mkdtempSync(path.join(tmpdir(), 'sallyport-stage-'));
	const done = spawnSync('meson', ['install', '-C', build, '--no-rebuild', '--quiet', '--destdir', directory], { encoding: 'utf8' });
	assert(done.status === 0, `meson install: ${done.stdout}${done.stderr}`);
	return directory;
}

function hierarchy() {
	return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((place) => existsSync(path.join(place, 'cgroup.procs')) &&
		existsSync(path.join(place, 'cgroup.controllers')));
}

// A control group to be the root of what is inside, or why there is none.
function makeGroup() {
	const place = hierarchy();
	if (!place) return { why: 'no cgroup v2 here' };
	const group = path.join(place, `sallyport-test-${process.pid}`);
	try {
		mkdirSync(group);
	} catch (error) {
		return { why: `no control group can be made here (${error.code})` };
	}
	return { group };
}

// From the leaves; the kernel takes a moment to forget the dead.
async function removeGroup(group) {
	const remove = (at) => {
		for (const name of readdirSync(at))
			if (statSync(path.join(at, name), { throwIfNoEntry: false })?.isDirectory()) remove(path.join(at, name));
		rmdirSync(at);
	};
	await until(() => { try { remove(group); return true; } catch { return false; } }, `the control group ${group} to be empty`);
}

// Runs a test program as root on the machine inside: { why } it cannot, or { status, said }.
export async function boot(tree, program, { seconds = 90 } = {}) {
	if (process.getuid() !== 0) return { why: 'needs root' };
	const { group, why } = makeGroup();
	if (why) return { why };
	const work = mkdtempSync(path.join(tmpdir(), 'sallyport-boot-'));
	const [over, out] = ['over', 'out'].map((name) => path.join(work, name));
	mkdirSync(over);
	mkdirSync(out);
	try {
		const command = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--uts', '--ipc', '--net',
			path.join(here, 'boot.sh'), over, tree, out, process.execPath, path.join(here, program)];
		const done = spawnSync('sh', ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', group, ...command],
			{ encoding: 'utf8', timeout: seconds * 1000, killSignal: 'SIGKILL' });
		const said = existsSync(path.join(out, 'said')) ? readFileSync(path.join(out, 'said'), 'utf8') : '';
		if (said === '' && /not permitted|denied|cannot/i.test(done.stderr)) return { why: done.stderr.trim().split('\n')[0] };
		return { status: done.status, said: said || done.stderr || `no word (${done.signal ?? done.status})` };
	} finally {
		await removeGroup(group);
		rmSync(work, { recursive: true, force: true });
	}
}
