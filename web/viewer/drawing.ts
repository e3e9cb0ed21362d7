// SPDX-License-Identifier: Apache-2.0
// The way of the stream into the terminal: bytes and what happens between them, in one order, and
// the word to the gateway on how far all of it is drawn.
import type { Terminal } from '@xterm/xterm';

import { WholeCharacters } from '../lib/whole.ts';

const ACK_BYTES = 64 * 1024; /* drawn and unsaid: said at once */
const ACK_SOME = 16 * 1024; /* these soon: the gateway takes its measure of us from them */
const ACK_SOON = 5; /* ms */
const TRICKLE = 8 * 1024; /* bytes */
const ACK_LATER = 50; /* ms */
const ACK_AT_LAST = 500; /* ms, for a trickle that fills no window */

interface Pending {
	end: number;
	act: (() => void) | null;
}

function patience(unsaid: number): number {
	return unsaid >= ACK_BYTES ? 0 : unsaid >= ACK_SOME ? ACK_SOON : unsaid >= TRICKLE ? ACK_LATER : ACK_AT_LAST;
}

export class Drawing {
	/* Offset up to which everything is drawn. */
	drawnTo = 0;
	/* Whether anything of the target has been drawn. */
	hasText = false;

	private readonly whole = new WholeCharacters();
	private pending: Pending[] = [];
	private held: (() => void)[] | null = null;
	private said = 0;
	private sayTimer = 0;
	private sayAt = Infinity;

	constructor(
		private readonly terminal: Terminal,
		private readonly say: (offset: number) => boolean,
		private readonly firstDrawn: () => void,
	) {}

	/* Where the bytes end that the terminal is reading right now. */
	get reading(): number | undefined {
		return this.pending[0]?.end;
	}

	/* Bytes of the target up to offset `end`. */
	bytes(bytes: Uint8Array, end: number): void {
		this.inOrder(() => this.write(this.whole.push(bytes), end, null));
	}

	/* After everything so far. */
	after(end: number, act: () => void): void {
		this.inOrder(() => this.write('', end, act));
	}

	/* The stream goes on at `start` instead of where it was; `begin` may write before what follows. */
	moveTo(start: number, begin: () => string): void {
		this.inOrder(() => {
			this.held = [];
			this.write('', start, () => {
				this.whole.forget();
				this.drawnTo = start;
				this.continueAt(start);
				const bytes = begin();
				if (bytes !== '')
					this.write(bytes, start, () => undefined);
				this.release();
			});
		});
	}

	/* A gateway that knows nothing of what we said before. */
	continueAt(offset: number): void {
		this.sayNothing();
		this.said = offset;
	}

	acknowledge(): void {
		this.sayNothing();
		if (this.drawnTo > this.said && this.say(this.drawnTo))
			this.said = this.drawnTo;
	}

	private sayNothing(): void {
		clearTimeout(this.sayTimer);
		this.sayAt = Infinity;
	}

	/* The terminal keeps one queue for bytes and acts, so the order is the stream's. */
	private write(bytes: Uint8Array | string, end: number, act: (() => void) | null): void {
		this.pending.push({ end, act });
		this.terminal.write(bytes, () => this.done());
	}

	/* While a new stretch is being prepared, what belongs to it waits here. */
	private inOrder(act: () => void): void {
		if (this.held === null)
			act();
		else
			this.held.push(act);
	}

	private release(): void {
		const held = this.held ?? [];
		this.held = null;
		for (const act of held)
			this.inOrder(act);
	}

	private done(): void {
		const { end, act } = this.pending.shift()!;
		act?.();
		this.drawnTo = end;
		if (act === null && !this.hasText) {
			this.hasText = true;
			this.firstDrawn();
		}
		this.sayDrawn();
	}

	private sayDrawn(): void {
		const unsaid = this.drawnTo - this.said;
		const wait = patience(unsaid);
		const now = performance.now();
		if (unsaid <= 0)
			return;
		if (wait === 0 || now >= this.sayAt)
			return this.acknowledge();
		if (now + wait >= this.sayAt)
			return;
		clearTimeout(this.sayTimer);
		this.sayAt = now + wait;
		this.sayTimer = setTimeout(() => this.acknowledge(), wait);
	}
}
