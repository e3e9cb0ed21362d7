// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 token of SoftHSM in a directory of its own, for whoever the gateway lets speak to it.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { programs } from './gateway.mjs';
import { isRoot } from './targets.mjs';

const modules = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'];
export const module = modules.find(existsSync);
export const liar = path.join(programs, 'token-liar.so');
const tokenUid = 61805; // as root the program that speaks to a token is this nobody

function run(program, args, env) {
	const done = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } });
	if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}${done.stdout}`);
	return done.stdout;
}

export class Token {
	constructor({ pin = '123456' } = {}) {
		this.directory = mkdtempSync(path.join(tmpdir(), 'token-'));
		this.pin = pin;
		this.store = path.join(this.directory, 'tokens');
		this.conf = path.join(this.directory, 'softhsm2.conf');
		mkdirSync(this.store);
		writeFileSync(this.conf, `directories.tokendir = ${this.store}\nobjectstore.backend = file\nlog.level = ERROR\n`);
		run('softhsm2-util', ['--init-token', '--free', '--label', 'vault', '--so-pin', '87654321', '--pin', pin], this.env);
		this.own();
	}

	get env() { return { SOFTHSM2_CONF: this.conf }; }
	get uri() { return 'pkcs11:token=vault;object=root'; }

	own() {
		chmodSync(this.directory, 0o755);
		if (isRoot) run('chown', ['-R', `${tokenUid}:${tokenUid}`, this.directory]);
	}

	// A file with these words that only its reader may read: the gateway, not the token's program.
	pinFile(words = this.pin) {
		const file = path.join(this.directory, 'pin');
		writeFileSync(file, `${words}\n`, { mode: 0o600 });
		return file;
	}

	// For init, and what init wrote into sallyport.conf (tests write that file themselves).
	init(pin) {
		return ['--root-key', 'pkcs11', '--token-module', module, '--token-key', this.uri,
			'--token-environment', `SOFTHSM2_CONF=${this.conf}`, ...(pin ? ['--token-pin', pin] : [])];
	}

	settings(pin = 'ask') {
		return { 'vault.token_module': module, 'vault.token_key': this.uri, 'vault.token_pin': pin,
			'vault.token_environment': `SOFTHSM2_CONF=${this.conf}` };
	}

	// "Labels, flags": what the token says of its PIN.
	remove() { renameSync(this.store, `${this.store}.gone`); mkdirSync(this.store); this.own(); }
	insert() { rmSync(this.store, { recursive: true }); renameSync(`${this.store}.gone`, this.store); }
	finish() { rmSync(this.directory, { recursive: true, force: true }); }
}
