// SPDX-License-Identifier: Apache-2.0
// Little-endian fields and text, as the view stream has them.

/* UINT64_MAX in a proof: "everything you kept". Written as bytes, because no number holds it. */
export const EVERYTHING = -1;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export function get16(bytes: Uint8Array, at: number): number {
	return (bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8;
}

export function get32(bytes: Uint8Array, at: number): number {
	return (get16(bytes, at) | get16(bytes, at + 2) << 16) >>> 0;
}

export function getSigned32(bytes: Uint8Array, at: number): number {
	return get32(bytes, at) | 0;
}

/* Offsets stay far below 2^53: at a gigabyte a second that is a hundred days of output. */
export function get64(bytes: Uint8Array, at: number): number {
	return get32(bytes, at) + get32(bytes, at + 4) * 0x100000000;
}

export function bytes16(...values: number[]): Uint8Array {
	const bytes = new Uint8Array(values.length * 2);
	values.forEach((value, i) => {
		bytes[i * 2] = value & 0xff;
		bytes[i * 2 + 1] = value >> 8 & 0xff;
	});
	return bytes;
}

export function bytes64(value: number): Uint8Array {
	const bytes = new Uint8Array(8);
	if (value === EVERYTHING)
		return bytes.fill(0xff);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, value >>> 0, true);
	view.setUint32(4, Math.floor(value / 0x100000000), true);
	return bytes;
}

/* Words from outside are shown, so what could disguise them goes: controls and bidirectional marks. */
export function words(bytes: Uint8Array): string {
	return decoder.decode(bytes).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

export function utf8(text: string): Uint8Array {
	return encoder.encode(text);
}

/* What the terminal hands over for mouse reports of the old kind: one byte in each code unit. */
export function latin1(text: string): Uint8Array {
	return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

export function base64(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes));
}
