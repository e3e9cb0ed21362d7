// SPDX-License-Identifier: Apache-2.0
// web/lib/frames.ts and web/lib/bytes.ts: the decoder of page and player, without a browser.
import { assert, equal, story } from '../../lib/story.mjs';
import { load } from '../../lib/web.mjs';
import { frames } from '../../../tools/view-to-typescript.mjs';

const { FrameReader, MalformedStream, writeFrame } = await load('frames');
const { base64, bytes16, bytes64, EVERYTHING, get64, getSigned32, latin1, words } = await load('bytes');

/* Written anew from the drawing in src/wire/view.h: what the reader must agree with. */
function parse(bytes) {
	const view = new DataView(bytes.buffer, bytes.byteOffset);
	const found = [];
	for (let at = 0; at + 8 <= bytes.length;) {
		const length = view.getUint32(at + 4, true);
		if (at + 8 + length > bytes.length)
			break;
		found.push([bytes[at], Buffer.from(bytes.subarray(at + 8, at + 8 + length)).toString('hex'), 8 + length]);
		at += 8 + length;
	}
	return found;
}

/* Random, but the same on every run. */
function generator(seed) {
	let state = seed;
	return (below) => {
		state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
		return (state >>> 0) % below;
	};
}

function stream(random, count) {
	const table = [...frames(), { type: 0x30, least: 0, most: 300 }, { type: 0xf0, least: 0, most: 300 }];
	return Buffer.concat(Array.from({ length: count }, () => {
		const { type, least, most } = table[random(table.length)];
		const payload = Buffer.alloc(least + random(Math.min(most - least, 2000) + 1), random(256));
		const header = Buffer.alloc(8);
		header[0] = type;
		header.writeUInt32LE(payload.length, 4);
		return Buffer.concat([header, payload]);
	}));
}

function refuses(bytes) {
	try {
		[...new FrameReader().push(Uint8Array.from(bytes))];
		return false;
	} catch (error) {
		return error instanceof MalformedStream;
	}
}

story('web/frames: however a stream is cut, the frames are the same', () => {
	for (let seed = 1; seed <= 200; seed++) {
		const random = generator(seed);
		const bytes = new Uint8Array(stream(random, 30));
		const reader = new FrameReader();
		const found = [];
		for (let at = 0; at < bytes.length;) {
			const end = Math.min(bytes.length, at + 1 + random(seed % 3 === 0 ? 3 : 4000));
			for (const { type, payload, length } of reader.push(bytes.slice(at, end)))
				found.push([type, Buffer.from(payload).toString('hex'), length]);
			at = end;
		}
		equal(found, parse(bytes), `seed ${seed}`);
	}
});

story('web/frames: what is written is read', () => {
	for (const { name, type, least, most } of frames())
		for (const length of [least, most]) {
			const payload = new Uint8Array(length).fill(7);
			const [frame] = [...new FrameReader().push(writeFrame(type, payload.subarray(0, 3), payload.subarray(3)))];
			equal([frame.type, frame.payload.length, frame.length], [type, length, 8 + length], name);
		}
});

story('web/frames: what the table does not allow is refused', () => {
	for (const { name, type, least, most } of frames()) {
		if (least > 0)
			assert(refuses([type, 0, 0, 0, least - 1, 0, 0, 0]), `${name}: too short`);
		const header = Buffer.alloc(8);
		header[0] = type;
		header.writeUInt32LE(most + 1, 4);
		assert(refuses(header), `${name}: too long`);
		header.writeUInt32LE(least, 4);
		assert(!refuses(header), `${name}: as allowed`);
		for (const at of [1, 2, 3]) {
			const touched = Buffer.from(header);
			touched[at] = 1;
			assert(refuses(touched), `${name}: byte ${at} set`);
		}
		let threw = false;
		try {
			writeFrame(type, new Uint8Array(most + 1));
		} catch {
			threw = true;
		}
		assert(threw, `${name}: writing too much`);
	}
	assert(refuses([0x7f, 0, 0, 0, 0, 0, 0, 0]), 'unknown input');
	assert(refuses([0x30, 0, 0, 0, 1, 0, 1, 0]), 'an unknown frame longer than any');
	assert(!refuses([0x30, 0, 0, 0, 0, 0, 1, 0]), 'an unknown frame is for a newer reader');
});

story('web/frames: random bytes are read or refused, never more', () => {
	const random = generator(77);
	for (let round = 0; round < 3000; round++) {
		const reader = new FrameReader();
		try {
			for (let part = 0; part < 4; part++)
				for (const { payload } of reader.push(Uint8Array.from({ length: random(64) }, () => random(4) ? random(3) : random(256))))
					assert(payload.length <= 65536, 'a payload');
		} catch (error) {
			assert(error instanceof MalformedStream, String(error));
		}
	}
});

story('web/bytes: numbers, words and old mouse reports', () => {
	for (const value of [0, 1, 0xffffffff, 0x100000000, 2 ** 53 - 1])
		equal(get64(bytes64(value), 0), value, 'an offset');
	equal([...bytes64(EVERYTHING)], Array(8).fill(0xff), 'everything');
	equal([...bytes16(1, 0x1234, 0xffff)], [1, 0, 0x34, 0x12, 0xff, 0xff], 'fields');
	equal(getSigned32(Uint8Array.of(0xff, 0xff, 0xff, 0xff), 0), -1, 'a negative number');
	equal([...latin1('\x1b[M \xff')], [0x1b, 0x5b, 0x4d, 0x20, 0xff], 'one byte each');
	equal(base64(Uint8Array.of(0xfb, 0xff)), '+/8=', 'base64');
	equal(words(new TextEncoder().encode(' a\u202eb\x1b[31m\u0007\u200bc\n')), 'a b [31m c', 'controls and marks go');
	equal(words(Uint8Array.of(0xff, 0x41)), '\ufffdA', 'not UTF-8');
});
