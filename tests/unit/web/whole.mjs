// SPDX-License-Identifier: Apache-2.0
// web/lib/whole.ts: cuts between characters, and keeps every byte.
import { Sequences } from '../../lib/sequences.mjs';
import { assert, equal, story } from '../../lib/story.mjs';
import { load } from '../../lib/web.mjs';

const { WholeCharacters } = await load('whole');
const pushed = (whole, ...bytes) => Buffer.from(whole.push(Uint8Array.from(bytes))).toString('hex');

story('web/whole: a character waits for its last byte', () => {
	const whole = new WholeCharacters();
	equal([0x61, 0xe3, 0x80, 0x81, 0x62].map((byte) => pushed(whole, byte)), ['61', '', '', 'e38081', '62'], 'three bytes');
	equal([pushed(whole, 0xf0, 0x9f), pushed(whole, 0x98), pushed(whole, 0x80)], ['', '', 'f09f9880'], 'four');
	equal([pushed(whole, 0x41, 0xc3), pushed(whole, 0xa4, 0xc3)], ['41', 'c3a4'], 'two');
});

story('web/whole: what is no character is not kept back', () => {
	const whole = new WholeCharacters();
	equal(pushed(whole, 0xc3, 0x41), 'c341', 'cut by a letter');
	equal(pushed(whole, 0x80, 0x80, 0x80), '808080', 'ends without a beginning');
	equal(pushed(whole, 0xff), '', 'this could be a beginning as far as it cares');
	equal(pushed(whole, 0x1b), 'ff1b', 'and no longer');
	pushed(whole, 0xe3);
	whole.forget();
	equal(pushed(whole, 0x41), '41', 'forgotten');
});

story('web/whole: no byte is lost or moved, however they come', () => {
	const sequences = new Sequences(7);
	const whole = new WholeCharacters();
	const all = Buffer.from('a é 、 語 😀 \x1b[1m'.repeat(50));
	const noise = Buffer.from(Array.from({ length: 500 }, () => sequences.below(256)));
	for (const bytes of [all, Buffer.concat([noise, Buffer.from('the end')])]) {
		const out = [];
		for (let at = 0, end; at < bytes.length; at = end) {
			end = at + 1 + sequences.below(5);
			const part = whole.push(bytes.subarray(at, end));
			assert(bytes !== all || !part.toString().includes('\ufffd'), 'only whole ones');
			out.push(Buffer.from(part));
		}
		assert(Buffer.concat(out).equals(bytes), 'the same bytes');
	}
});
