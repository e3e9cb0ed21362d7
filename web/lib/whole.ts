// SPDX-License-Identifier: Apache-2.0
// Cuts UTF-8 between characters. The terminal puts a character that comes in two parts together by
// itself, but loses some of them.

/* Bytes of a character that the last bytes begin and do not end. */
function begun(bytes: Uint8Array): number {
	for (let back = 1; back <= Math.min(3, bytes.length); back++) {
		const byte = bytes[bytes.length - back]!;
		if (byte >= 0xc0)
			return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
		if (byte < 0x80)
			return 0;
	}
	return 0;
}

export class WholeCharacters {
	private rest = new Uint8Array();

	/* What can be drawn now; the beginning of a character waits for its end. */
	push(bytes: Uint8Array): Uint8Array {
		let all = bytes;
		if (this.rest.length > 0) {
			all = new Uint8Array(this.rest.length + bytes.length);
			all.set(this.rest);
			all.set(bytes, this.rest.length);
		}
		const end = all.length - begun(all);
		this.rest = all.slice(end);
		return all.subarray(0, end);
	}

	/* The stream goes on elsewhere. */
	forget(): void {
		this.rest = new Uint8Array();
	}
}
