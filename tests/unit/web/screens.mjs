// SPDX-License-Identifier: Apache-2.0
// A keyframe of the worker brings a terminal to where all bytes bring it: cell by cell, for what real
// programs wrote (screens/NAME.COLUMNSxROWS), for what no program writes, and through floods.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { differences, feed, Mirror, state, terminal } from '../../lib/screen.mjs';
import { Sequences } from '../../lib/sequences.mjs';
import { assert, equal, story } from '../../lib/story.mjs';

const CUTS = 12;
const screens = fileURLToPath(new URL('screens/', import.meta.url));
const programs = readdirSync(screens).map((name) => {
	const [columns, rows] = name.split('.').pop().split('x').map(Number);
	return { name, columns, rows, bytes: readFileSync(screens + name) };
});

/* Not in the middle of a character: the page's terminal loses some that come in two parts. */
function whole(bytes, at) {
	while (at > 0 && at < bytes.length && (bytes[at] & 0xc0) === 0x80)
		at--;
	return at;
}

/* Under a pending wrap an erased last cell comes as a blank. */
function forgive(all, fresh) {
	for (const part of ['normal', 'shown']) {
		const { x, y, lines } = all[part] ?? {};
		if (x === undefined || x < lines[y].cells.length)
			continue;
		const last = lines[y].cells.length - 1;
		if (/^1"" /.test(lines[y].cells[last]))
			lines[y].cells[last] = fresh[part].lines[y].cells[last];
	}
}

/*
 * How far up a line that ESC 7 remembers has gone is only counted as far as lines are kept; and an
 * underline that ESC 8 brought back without its style is none.
 */
const forgetSaved = (of) => {
	for (const { saved, lines } of [of.normal, of.shown ?? of.normal]) {
		saved.y = 0;
		saved.line = false;
		/* Nor is it known of the first line that it went on from one that is gone. */
		lines.forEach((line, y) => { line.wrapped &&= !/^1"" /.test(lines[y - 1].cells.at(-1)); });
	}
};

async function compare(all, mirror, words, change = () => {}) {
	const fresh = terminal(all.cols, all.rows);
	const bytes = await mirror.keyframe();
	assert(bytes.length > 0, `${words}: no keyframe`);
	await feed(fresh, bytes);
	const states = [state(all), state(fresh)];
	states.forEach(change);
	forgive(...states);
	equal(differences(...states), [], words);
	fresh.dispose();
	return bytes;
}

for (const { name, columns, rows, bytes } of programs)
	story(`worker/keyframe: the screen of ${name} at any moment`, async () => {
		const mirror = new Mirror();
		const all = terminal(columns, rows);
		mirror.begin(columns, rows);
		for (let cut = 1, at = 0; cut <= CUTS; cut++) {
			const end = whole(bytes, Math.floor(bytes.length * cut / CUTS));
			mirror.note(bytes.subarray(at, end));
			await feed(all, bytes.subarray(at, end));
			at = end;
			await compare(all, mirror, `after ${at} bytes`);
		}
		mirror.end();
	});

story('worker/keyframe: a sequence that is cut goes on behind a keyframe', async () => {
	const mirror = new Mirror();
	const text = Buffer.from('\x1b[1;38;5;99mone\x1b[2;4Htwo\x1b]0;a title\x07three\x1b[?1049h\x1b(0qqx\x1b(B four');
	for (let cut = 0; cut <= text.length; cut++) {
		const all = terminal(20, 5);
		const fresh = terminal(20, 5);
		mirror.begin(20, 5);
		mirror.note(text.subarray(0, cut));
		await feed(all, text);
		await feed(fresh, await mirror.keyframe());
		await feed(fresh, text.subarray(cut));
		equal(differences(state(all), state(fresh)), [], `cut after ${cut} bytes`);
	}
	mirror.end();
});

story('worker/keyframe: what no program writes', async () => {
	const mirror = new Mirror();
	for (let seed = 1; seed <= 100; seed++) {
		const sequences = new Sequences(seed);
		const [columns, rows] = [5 + sequences.below(20), 2 + sequences.below(9)];
		const all = terminal(columns, rows);
		mirror.begin(columns, rows);
		for (let step = 0; step < 4; step++) {
			const bytes = Buffer.from(sequences.some(columns, rows));
			mirror.note(bytes);
			await feed(all, bytes);
			await compare(all, mirror, `seed ${seed}, step ${step}: ${JSON.stringify(bytes.toString())}`, forgetSaved);
		}
		all.dispose();
	}
	mirror.end();
});

story('worker/keyframe: one made of a keyframe is the same again', async () => {
	const mirror = new Mirror();
	for (const { columns, rows, bytes, name } of programs) {
		mirror.begin(columns, rows);
		mirror.note(bytes.subarray(0, 60000));
		const first = await mirror.keyframe();
		mirror.begin(columns, rows);
		mirror.note(first);
		equal((await mirror.keyframe()).toString('latin1'), first.toString('latin1'), name);
	}
	mirror.end();
});

story('worker/digest: floods, and what comes between them', async () => {
	const mirror = new Mirror();
	for (let seed = 1; seed <= 8; seed++) {
		const sequences = new Sequences(seed);
		const all = terminal(80, 24);
		mirror.begin(80, 24);
		for (let step = 0; step < 10; step++) {
			const bytes = sequences.below(3) === 0 ? programs[sequences.below(programs.length)].bytes
				: Buffer.from(sequences.flood());
			for (let at = 0, end; at < bytes.length; at = end) {
				end = Math.min(bytes.length, at + 1 + sequences.below([100, 5000, 65536][seed % 3]));
				mirror.note(bytes.subarray(at, end));
			}
			await feed(all, bytes);
			if (sequences.below(4) === 0)
				mirror.rest();
			await compare(all, mirror, `seed ${seed}, step ${step}`, forgetSaved);
		}
		all.dispose();
	}
	mirror.end();
}, { seconds: 120 });

story('worker/digest: another size, with lines broken anew', async () => {
	const mirror = new Mirror();
	const all = terminal(80, 24);
	mirror.begin(80, 24);
	const text = Buffer.from(Array.from({ length: 60 }, (_, i) => `${i} ${'word '.repeat(i % 30)}`).join('\r\n') + '\r\n$ ');
	mirror.note(text);
	await feed(all, text);
	for (const [columns, rows] of [[100, 24], [100, 40], [60, 30], [120, 20], [80, 24]]) {
		all.resize(columns, rows);
		mirror.resize(columns, rows);
		await compare(all, mirror, `${columns} by ${rows}`);
		const more = Buffer.from(`now ${columns} by ${rows}\r\n$ `);
		mirror.note(more);
		await feed(all, more);
		await compare(all, mirror, `more at ${columns} by ${rows}`);
	}
	mirror.end();
});

story('worker/width: every code point as wide as in the page', async () => {
	const mirror = new Mirror();
	const widths = await mirror.widths();
	const { unicodeService } = terminal(80, 24)._core;
	for (let code = 0; code < 0x110000; code++)
		if (widths[code] !== unicodeService.wcwidth(code))
			assert(false, `U+${code.toString(16)} takes ${widths[code]}, in the page ${unicodeService.wcwidth(code)}`);
	mirror.end();
});
