// SPDX-License-Identifier: Apache-2.0
// What the person typed and the gateway has not yet been heard to have taken. The gateway counts the
// input frames of each page; so after a loss exactly those that did not arrive are sent again, and
// none of them twice. Knows frames and numbers, nothing of the connection.
import { FRAME } from '#view';

const KEPT_MOST = 2 * 1024 * 1024; /* bytes; then typing waits, as it does in the gateway */

/* Of the moment: said anew by the screen when it is back. */
const PASSING: readonly number[] = [FRAME.RESIZE, FRAME.REPORT];

export class Outbox {
	/* The page's own number: a reload is another page. */
	readonly page = crypto.getRandomValues(new Uint8Array(8));

	private frames: Uint8Array<ArrayBuffer>[] = [];
	private bytes = 0;
	private base = 0; /* frames the gateway is known to have taken */
	private wasAway = false;

	/* How many frames there ever were: settle() with it when the gateway has answered what came after. */
	get number(): number {
		return this.base + this.frames.length;
	}

	get isEmpty(): boolean {
		return this.frames.length === 0;
	}

	/* Words of the person among them, after a loss: they may not have arrived. */
	get isDoubtful(): boolean {
		return this.wasAway && this.frames.some(isTyped);
	}

	add(frame: Uint8Array<ArrayBuffer>): boolean {
		if (this.bytes + frame.length > KEPT_MOST)
			return false;
		this.frames.push(frame);
		this.bytes += frame.length;
		return true;
	}

	/* Everything up to this number has been taken. */
	settle(number: number): void {
		const count = Math.max(0, Math.min(number - this.base, this.frames.length));
		for (const frame of this.frames.splice(0, count))
			this.bytes -= frame.length;
		this.base += count;
		if (this.isEmpty)
			this.wasAway = false;
	}

	lost(): void {
		this.wasAway = true;
	}

	/*
	 * Attached again: the gateway has taken so many, of what was sent before. What is left is sent
	 * again, but for what only mattered in its moment: it gets no number, for it was never taken.
	 */
	resume(taken: number): readonly Uint8Array<ArrayBuffer>[] {
		this.settle(taken);
		this.base = taken;
		this.frames = this.frames.filter((frame) => !PASSING.includes(frame[0]!));
		this.bytes = this.frames.reduce((sum, frame) => sum + frame.length, 0);
		return this.frames;
	}

	/* The gateway does not know us any more. True: there were words, and nobody knows of them. */
	forget(taken: number): boolean {
		const hadWords = this.frames.some(isTyped);
		this.frames = [];
		this.bytes = 0;
		this.base = taken;
		this.wasAway = false;
		return hadWords;
	}
}

function isTyped(frame: Uint8Array): boolean {
	return frame[0] === FRAME.KEYS || frame[0] === FRAME.PASTE;
}
