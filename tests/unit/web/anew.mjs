// SPDX-License-Identifier: Apache-2.0
// web/lib/anew.ts: whatever a terminal has been through, it stands as one that was reset, with its history.
import { differences, feed, state, terminal } from '../../lib/screen.mjs';
import { Sequences } from '../../lib/sequences.mjs';
import { assert, equal, story } from '../../lib/story.mjs';
import { load } from '../../lib/web.mjs';

const { anew } = await load('anew');

function rows({ buffer: { normal } }) {
	return Array.from({ length: normal.length }, (_, y) => normal.getLine(y).translateToString(true).trimEnd());
}

story('web/anew: as after a reset', async () => {
	for (let seed = 1; seed <= 80; seed++) {
		const sequences = new Sequences(seed);
		const [columns, lines] = [5 + sequences.below(60), 2 + sequences.below(20)];
		const old = terminal(columns, lines);
		const fresh = terminal(columns, lines);
		for (let step = 0; step < 3; step++)
			await feed(old, sequences.some(columns, lines));
		await feed(old, anew(old, '--- some ---'));
		equal(differences(state(old), state(fresh)), [], `seed ${seed}`);
		const after = sequences.some(columns, lines);
		await feed(old, after);
		await feed(fresh, after);
		equal(differences(state(old), state(fresh)), [], `seed ${seed}, and what comes after`);
		old.dispose();
		fresh.dispose();
	}
});

story('web/anew: what was shown is kept, and the words under it', async () => {
	for (const [shown, kept] of [['one\r\ntwo\r\n\r\n$ ', ['one', 'two', '', '$']], ['', ['']],
		['one\x1b[?1049h\x1b[5;5Hthe editor', ['one']], ['1\r\n2\r\n3\r\n4\r\n5\r\n6', ['1', '2', '3', '4', '5', '6']]]) {
		const old = terminal(20, 5);
		await feed(old, shown);
		await feed(old, anew(old, '--- 12 MB not shown ---'));
		equal(rows(old), [...kept, '--- 12 MB not shown', '', '', '', '', ''], JSON.stringify(shown));
		assert(old.buffer.active.baseY === kept.length + 1, 'the words are above the screen');
	}
});
