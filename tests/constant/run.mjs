// SPDX-License-Identifier: Apache-2.0
// No branch and no address depends on a secret: node tests/constant/run.mjs. Each program marks its secrets and is
// run under valgrind; the control, which compares as memcmp() would, has to be reported.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.join(here, '../../build');
const names = ['control', 'tokens', 'client', 'attach', 'signature', 'unseal'];
const reported = 99;

const made = spawnSync('ninja', ['-C', build, '-j2', ...names.map((name) => `meson-out/constant-${name}`)], { encoding: 'utf8' });
if (made.status !== 0) {
	console.log(made.stdout.split('\n').slice(-30).join('\n'));
	console.log('0 passed, 1 failed');
	process.exit(1);
}
let failed = 0;
for (const name of names) {
	const done = spawnSync('valgrind', ['-q', `--error-exitcode=${reported}`, '--leak-check=no', '--track-origins=no',
		`--suppressions=${path.join(here, 'verdicts.supp')}`,
		path.join(build, 'meson-out', `constant-${name}`)], { encoding: 'utf8' });
	const good = done.status === (name === 'control' ? reported : 0);
	if (!good) failed++;
	console.log(good ? `ok   ${name}` : `FAIL ${name}: exit ${done.status}\n${done.stderr.split('\n').slice(0, 40).join('\n')}`);
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
