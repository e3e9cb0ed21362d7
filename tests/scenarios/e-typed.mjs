// SPDX-License-Identifier: Apache-2.0
// What is typed while the target's echo is off: recorded apart, not at all, or with the rest, as the setting says.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { Gateway } from '../lib/gateway.mjs';
import { Sshd, Telnetd, isRoot, makeAccount } from '../lib/targets.mjs';
import { assert, equal, story, until } from '../lib/story.mjs';

const passwords = ['first-Passw0rd', 'sec0nd-Secrets', 'third&Hidden'];
const long = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(4);

// What the target shows later than 3 s after it was typed counts as not shown. A machine that is too busy for half of
// that proves nothing: the session is held again.
let longest = 0;
async function timed(what) {
	const since = performance.now();
	await what;
	longest = Math.max(longest, performance.now() - since);
}
const wait = (...what) => timed(until(...what));

// Typed by hand: the next key when the one before was shown.
async function typeSeen(person, text) {
	for (const key of text) {
		const before = person.seen.length;
		person.type(key);
		await wait(() => person.seen.length > before, `the echo of ${JSON.stringify(key)}`);
	}
}

const shows = (person, words) => wait(() => person.seen.includes(words), `${words} in ${JSON.stringify(person.seen.slice(-600))}`);

const run = (person, command) => timed(person.run(command));

// Nobody types into a prompt that is still on its way: what is typed then counts as not shown.
const prompted = (person) => wait(() => /[#$] (\x1b\[K)?$/.test(person.seen), `a prompt in ${JSON.stringify(person.seen.slice(-200))}`);

// A program with the echo off, which says so; what it does with what is typed then; what it says at its end.
async function ask(person, name, reads, type, said) {
	await prompted(person);
	person.type(`stty -echo; printf '${name}''? '; ${reads}; stty echo; echo "${said[0]}""${said.slice(1)}"\r`);
	await shows(person, `${name}? `);
	await type();
	await shows(person, said.replace('${#word}', '14'));
}

// Commands, by hand, at once and longer than a line; passwords at a prompt that is silent, at the like of sudo's, at
// one that masks; keys that are no text.
async function live(person) {
	await person.live();
	await prompted(person);
	await run(person, 'true');
	await prompted(person);
	await typeSeen(person, 'echo by-h""and');
	person.type('\r');
	await shows(person, 'by-hand');
	await prompted(person);
	await run(person, `echo at""-once; echo ${long}`);
	await ask(person, 'first', 'read -rs word', async () => {
		for (const key of passwords[0]) person.type(key);
		person.type('\r');
	}, 'one:${#word}');
	await ask(person, 'second', 'read -r word', async () => person.type(`${passwords[1]}\r`), 'two:${#word}');
	await ask(person, 'third', 'while IFS= read -rsn1 key && [ "$key" ]; do printf "*"; done', async () => {
		await typeSeen(person, passwords[2]);
		person.type('\r');
	}, 'three');
	await ask(person, 'keys', 'read -rsn3 word; read -rsn3 word; read -rsn1 word', async () => {
		for (const key of ['\x1b[A', '\x1b[B', '\t']) person.type(key);
	}, 'four');
	await prompted(person);
	await run(person, 'echo af""ter');
	await prompted(person);
	await typeSeen(person, 'exit'); // a Telnet server may hang up before it shows what it was told last
	person.type('\r');
	await person.over();
}

const exported = (g, person, ...words) => g.cli(['recording', 'export', person.session, ...words], { raw: true }).out;
const typedOf = (text) => JSON.parse(text).events.filter(({ type }) => ['KEYS', 'PASTE', 'SECRET', 'WITHHELD'].includes(type));
const inFiles = (directory, word) => readdirSync(directory, { recursive: true, withFileTypes: true })
	.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
	.filter((file) => readFileSync(file).includes(word));
const audited = (g, event) => g.cli(['audit', 'list', '--limit', '1000']).filter((row) => row.event === event).length;

// What everybody with the recording's own key sees; and what is on the disk at all.
function assertHidden(g, person, kept) {
	for (const form of ['json', 'text', 'asciicast']) {
		const text = exported(g, person, '--format', form, ...form === 'asciicast' ? ['--input'] : []);
		for (const word of passwords) {
			assert(!text.includes(word), `${word} in ${form}`);
			// nor piece by piece, as it was typed
			const keys = form === 'json' ? typedOf(text).map((event) => event.text ?? '').join('') : '';
			assert(!keys.includes(word), `${word} in what was typed`);
		}
	}
	for (const word of passwords) equal(inFiles(g.data, word), [], `files with ${word}`);
	const text = exported(g, person);
	const said = kept === 'SECRET' ? /typed> \((\d+) bytes typed without echo\)/g : /typed> (\d+) bytes, not recorded/g;
	const bytes = [...text.matchAll(said)].reduce((sum, [, count]) => sum + Number(count), 0);
	equal(bytes, passwords.join('').length, `bytes that were not shown: ${text}`);
	const typed = typedOf(exported(g, person, '--format', 'json'));
	equal([...new Set(typed.map(({ type }) => type))].filter((type) => type !== 'KEYS'), [kept], 'kinds of what was typed');
	// what the target showed, and keys that are no text, stand in the clear in their order
	const keys = typed.map((event) => event.text ?? '').join('');
	for (const word of ['echo by-h""and\r', `echo at""-once; echo ${long}`, '\x1b[A\x1b[B\t', 'echo af""ter', 'exit\r'])
		assert(keys.includes(word), `${JSON.stringify(word)} in ${JSON.stringify(keys)}`);
}

async function inTime(open) {
	for (let held = 1; held <= 5; held++) {
		const person = await open();
		longest = 0;
		await live(person);
		if (longest < 1500) return { person, held };
		console.log(`an echo took ${Math.round(longest)} ms: once more`);
	}
	throw new Error('the machine is too busy to say what was shown');
}

async function session(g, open, how) {
	const { person, held } = await inTime(open);
	await until(() => audited(g, 'recording.sealed') === held, 'the recording to be sealed');
	equal(g.cli(['recording', 'verify', person.session]).verdict, 'intact', 'the recording');
	const before = audited(g, 'recording.secrets_opened');
	if (how === 'yes') {
		const keys = typedOf(exported(g, person, '--format', 'json'));
		equal([...new Set(keys.map(({ type }) => type))], ['KEYS'], 'kinds');
		for (const word of passwords) assert(keys.map(({ text }) => text).join('').includes(word), word);
		return;
	}
	assertHidden(g, person, how === 'apart' ? 'SECRET' : 'WITHHELD');
	equal(audited(g, 'recording.secrets_opened'), before, 'openings on record');
	if (how !== 'apart') {
		g.cli(['recording', 'export', person.session, '--secrets'], { raw: true, expect: 1 });
		return;
	}
	const opened = typedOf(exported(g, person, '--format', 'json', '--secrets'));
	equal(opened.filter(({ type }) => type !== 'KEYS'), [], 'what stayed closed');
	equal(opened.filter(({ secret }) => secret).map(({ text }) => text).join(''), passwords.join(''), 'the secrets');
	const keys = opened.map(({ text }) => text).join('');
	for (const word of passwords) assert(keys.includes(`${word}\r`), `${word} in its place`);
	const played = (...words) => g.cli(['recording', 'play', person.session, '--speed', '64', '--longest-pause', '0.01', ...words], { raw: true }).out;
	assert(played().includes(`(${passwords.join('').length} bytes typed without echo)`), 'told by the player');
	assert(played('--secrets').includes(`typed without echo: ${passwords[1]}`), 'shown by the player');
	equal(audited(g, 'recording.secrets_opened'), before + 2, 'openings on record');
}

for (const how of ['apart', 'shown', 'yes']) {
	story(`typed without echo, recording.input = ${how}, by SSH`, async () => {
		const target = await Sshd.start();
		const g = await Gateway.start({ 'recording.input': how, 'ticket.lifetime': 300 });
		try {
			g.prepare({ device: 'db1', port: target.port, username: target.username, keyFile: target.allow('ed25519') });
			await session(g, () => g.person(), how);
		} finally {
			await g.stop();
			await target.stop();
		}
	});

	story(`typed without echo, recording.input = ${how}, by Telnet`, async () => {
		if (!isRoot) return 'skip: needs an account with a password';
		const account = makeAccount();
		const target = await Telnetd.start();
		const g = await Gateway.start({ 'recording.input': how, 'ticket.lifetime': 300 });
		try {
			g.prepare({ device: 'old', port: target.port, protocol: 'TELNET', username: account.name, password: account.password,
				trust: false });
			await session(g, () => g.person(), how);
		} finally {
			await g.stop();
			await target.stop();
			account.remove();
		}
	});
}
