// SPDX-License-Identifier: Apache-2.0
// The view stream (src/wire/view.h), read and written: one decoder for the page and the player.
import { FRAME_LENGTHS, FRAME_MAX, HEADER_LENGTH } from '#view';

import { get16, get32 } from './bytes.ts';

export interface Frame {
	type: number;
	payload: Uint8Array;
	/* Whole length on the stream, header included. */
	length: number;
}

export class MalformedStream extends Error {}

/* Shared frames come from the target's side: everyone sees them and the stream offset counts them. */
export function isShared(type: number): boolean {
	return type < 0x40;
}

export function isInput(type: number): boolean {
	return type >= 0x40 && type < 0x80;
}

/* Unknown types are for a newer reader, except among the input: nobody may act on half an input. */
function check(header: Uint8Array, at: number): number {
	const type = header[at] ?? 0;
	const length = get32(header, at + 4);
	const limits = FRAME_LENGTHS.get(type);
	if (header[at + 1] !== 0 || get16(header, at + 2) !== 0)
		throw new MalformedStream(`frame ${type}: reserved bytes`);
	if (limits === undefined && isInput(type))
		throw new MalformedStream(`frame ${type}: unknown input`);
	const [least, most] = limits ?? [0, FRAME_MAX];
	if (length < least || length > most)
		throw new MalformedStream(`frame ${type}: ${length} bytes`);
	return length;
}

/*
 * Cuts a byte stream into frames, however the bytes arrive. Payloads point into the bytes that were
 * pushed when a frame came whole, so the caller must not write to those afterwards.
 */
export class FrameReader {
	private header = new Uint8Array(HEADER_LENGTH);
	private headerFill = 0;
	private body: Uint8Array | null = null;
	private bodyFill = 0;

	*push(bytes: Uint8Array): Generator<Frame, void, undefined> {
		let at = 0;
		while (at < bytes.length) {
			if (this.headerFill === 0 && bytes.length - at >= HEADER_LENGTH) {
				const length = check(bytes, at);
				const end = at + HEADER_LENGTH + length;
				if (end <= bytes.length) {
					const payload = bytes.subarray(at + HEADER_LENGTH, end);
					yield { type: bytes[at]!, payload, length: end - at };
					at = end;
					continue;
				}
			}
			at = this.gather(bytes, at);
			const frame = this.gathered();
			if (frame !== null)
				yield frame;
		}
	}

	/* A frame that arrives in pieces is put together here, header first. */
	private gather(bytes: Uint8Array, at: number): number {
		if (this.body === null) {
			const part = bytes.subarray(at, at + HEADER_LENGTH - this.headerFill);
			this.header.set(part, this.headerFill);
			this.headerFill += part.length;
			if (this.headerFill === HEADER_LENGTH)
				this.body = new Uint8Array(check(this.header, 0));
			return at + part.length;
		}
		const part = bytes.subarray(at, at + this.body.length - this.bodyFill);
		this.body.set(part, this.bodyFill);
		this.bodyFill += part.length;
		return at + part.length;
	}

	private gathered(): Frame | null {
		if (this.body === null || this.bodyFill < this.body.length)
			return null;
		const length = HEADER_LENGTH + this.body.length;
		const frame = { type: this.header[0]!, payload: this.body, length };
		this.headerFill = 0;
		this.body = null;
		this.bodyFill = 0;
		return frame;
	}
}

export function writeFrame(type: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	const [least, most] = FRAME_LENGTHS.get(type) ?? [1, 0];
	if (length < least || length > most)
		throw new RangeError(`frame ${type} cannot carry ${length} bytes`);
	const frame = new Uint8Array(HEADER_LENGTH + length);
	frame[0] = type;
	new DataView(frame.buffer).setUint32(4, length, true);
	let at = HEADER_LENGTH;
	for (const part of parts) {
		frame.set(part, at);
		at += part.length;
	}
	return frame;
}
