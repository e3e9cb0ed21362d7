// SPDX-License-Identifier: Apache-2.0
// The terminal between the stream and the person: draws frames in order, says how far it has drawn,
// sends what the person types, keeps its size in step with the target's.
import { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import { FRAME, STATE } from '#view';

import { bytes16, bytes64, EVERYTHING, latin1, utf8 } from '../lib/bytes.ts';
import type { Frame } from '../lib/frames.ts';
import { listen, type Report } from '../lib/replies.ts';
import type { Attachment, Welcome } from './attachment.ts';
import { readSize, sameCells, type Size, sizeBytes } from './size.ts';

const ACK_BYTES = 64 * 1024; /* drawn and unsaid: said at once */
const ACK_SOON = 50; /* ms */
const ACK_LATER = 500; /* ms, for a trickle that fills no window */
const TRICKLE = 8 * 1024; /* bytes */
const RESIZE_PAUSE = 80; /* ms a window must hold still */
const NUDGE_PAUSE = 200; /* ms between the two sizes that make a program redraw */
const REPORTS_PER_SECOND = 50;
const ASKED_MOST = 16; /* sizes on their way to the target and back */
const COLUMNS_MOST = 1000;
const ROWS_MOST = 500;

/* What the screen leaves to the page, in the order of the stream, after all text before it. */
export interface Witness {
	state(state: number, payload: Uint8Array): void;
	notice(payload: Uint8Array): void;
	ended(payload: Uint8Array): void;
	joined(payload: Uint8Array): void;
	left(payload: Uint8Array): void;
	/* The first text of the session, or of this tab, has been drawn. */
	drawn(): void;
	/* Something was typed that could not be sent. */
	unsent(): void;
}

interface Pending {
	end: number;
	act: (() => void) | null;
}

export class Screen {
	attachment: Attachment | null = null;
	/* Changes what is typed before it leaves: the key bar's Ctrl. */
	transform: (data: string) => string = (data) => data;

	private readonly fit = new FitAddon();
	private pending: Pending[] = [];
	private received = EVERYTHING;
	private drawnTo = 0;
	private said = 0;
	private sayTimer = 0;
	private state: number = 0;
	private edge = 0;
	private answersFrom = 0;
	private isFirst = false;
	private readOnly = false;
	/* Whether anything of the target has been drawn. */
	hasText = false;
	private streamSize: Size | null = null;
	private window: Size;
	private asked: Size[] = [];
	private resizeTimer = 0;
	private reports = { second: 0, count: 0 };

	constructor(
		readonly terminal: Terminal,
		private readonly place: HTMLElement,
		private readonly witness: Witness,
	) {
		terminal.open(place);
		terminal.loadAddon(this.fit);
		this.window = this.measure();
		this.applySize(this.window);
		listen(terminal, (data, binary) => this.typed(data, binary), (report) => this.report(report));
		new ResizeObserver(() => this.windowChanged()).observe(place);
	}

	get size(): Size {
		return this.window;
	}

	get offset(): number {
		return this.received;
	}

	get isLive(): boolean {
		return this.state === STATE.LIVE;
	}

	/* The text the terminal is reading right now is older than this attachment. */
	get isReplay(): boolean {
		const head = this.pending[0];
		return head === undefined || head.end <= this.answersFrom;
	}

	/*
	 * After a first redemption nobody has answered for us yet, so programs that asked while the page
	 * was still on its way get their reports.
	 */
	answerEverything(): void {
		this.isFirst = true;
	}

	welcome({ start, edge, readOnly, complete }: Welcome): void {
		const continues = this.received === start;
		this.readOnly = readOnly;
		this.edge = edge;
		this.asked = [];
		this.answersFrom = this.isFirst ? 0 : edge;
		this.isFirst = false;
		if (continues)
			this.said = start;
		else
			this.begin(start, complete);
		this.received = start;
		if (start >= edge)
			this.whenDrawn(start, () => this.settle());
	}

	/* The gateway did not say where the replay ends; now we know. */
	live(edge: number): void {
		if (this.edge !== Infinity)
			return;
		this.edge = edge;
		if (this.answersFrom === Infinity)
			this.answersFrom = edge;
		this.whenDrawn(edge, () => this.settle());
	}

	frame(frame: Frame, end: number): void {
		const before = this.received;
		this.received = end;
		if (frame.type === FRAME.TEXT) {
			this.pending.push({ end, act: null });
			this.terminal.write(frame.payload, () => this.done());
		} else {
			this.whenDrawn(end, () => this.meet(frame));
		}
		if (before < this.edge && end >= this.edge)
			this.whenDrawn(end, () => this.settle());
	}

	/* Types for the person, as the key bar does. */
	type(data: string): void {
		this.terminal.input(data, true);
	}

	send(type: number, ...parts: readonly Uint8Array[]): boolean {
		if (!this.isLive || this.readOnly || !this.attachment?.send(type, ...parts)) {
			this.witness.unsent();
			return false;
		}
		return true;
	}

	/* Also while the session is still connecting; not for those who only watch. */
	sendEnd(): boolean {
		return !this.readOnly && this.attachment?.send(FRAME.END) === true;
	}

	/* The font or the room changed. */
	refit(): void {
		this.windowChanged();
	}

	/* A new stretch that does not continue ours: after a reload, or when older bytes are gone. */
	private begin(start: number, complete: boolean): void {
		this.whenDrawn(start, () => {
			this.terminal.reset();
			this.drawnTo = start;
			this.said = start;
			this.streamSize = null;
			/* The state was said in bytes that are gone; that old, it can only be this one. */
			if (!complete)
				this.setState(STATE.LIVE, new Uint8Array());
		});
		if (!complete)
			this.whenDrawn(start, () => setTimeout(() => this.nudge(), NUDGE_PAUSE));
	}

	/* After all text so far. The terminal keeps one queue for both, so the order is the stream's. */
	private whenDrawn(end: number, act: () => void): void {
		this.pending.push({ end, act });
		this.terminal.write('', () => this.done());
	}

	private done(): void {
		const { end, act } = this.pending.shift()!;
		act?.();
		this.drawnTo = end;
		if (act === null && !this.hasText) {
			this.hasText = true;
			this.witness.drawn();
		}
		this.sayDrawn();
	}

	private sayDrawn(): void {
		const unsaid = this.drawnTo - this.said;
		if (unsaid >= ACK_BYTES)
			this.acknowledge();
		else if (unsaid > 0 && this.sayTimer === 0)
			this.sayTimer = setTimeout(() => this.acknowledge(), unsaid >= TRICKLE ? ACK_SOON : ACK_LATER);
	}

	acknowledge(): void {
		clearTimeout(this.sayTimer);
		this.sayTimer = 0;
		if (this.drawnTo > this.said && this.attachment?.send(FRAME.ACK, bytes64(this.drawnTo)))
			this.said = this.drawnTo;
	}

	private meet({ type, payload }: Frame): void {
		switch (type) {
		case FRAME.STATE:
			return this.setState(payload[0] ?? 0, payload.subarray(1));
		case FRAME.SIZE:
			return this.sized(readSize(payload));
		case FRAME.NOTICE:
			return this.witness.notice(payload);
		case FRAME.ENDED:
			this.state = STATE.OVER;
			return this.witness.ended(payload);
		case FRAME.JOIN:
			return this.witness.joined(payload);
		case FRAME.LEAVE:
			return this.witness.left(payload);
		}
	}

	private setState(state: number, reason: Uint8Array): void {
		this.state = state;
		this.witness.state(state, reason);
	}

	private typed(data: string, binary: boolean): void {
		const bytes = binary ? latin1(data) : utf8(this.transform(data));
		if (bytes.length > 0)
			this.send(FRAME.KEYS, bytes);
	}

	/*
	 * Called while the terminal reads the text at the head of the queue. A replay is not answered: the
	 * program that asked is long gone or has been answered. Nor is a flood.
	 */
	private report({ kind, a, b }: Report): void {
		if (this.isReplay || this.readOnly)
			return;
		const second = Math.floor(performance.now() / 1000);
		if (second !== this.reports.second)
			this.reports = { second, count: 0 };
		if (this.reports.count++ < REPORTS_PER_SECOND)
			this.attachment?.send(FRAME.REPORT, bytes16(kind, a, b, 0));
	}

	private measure(): Size {
		const proposed = this.fit.proposeDimensions();
		const columns = Math.min(proposed?.cols ?? 80, COLUMNS_MOST);
		const rows = Math.min(proposed?.rows ?? 24, ROWS_MOST);
		return {
			columns,
			rows,
			width: Math.min(this.place.clientWidth, 0xffff),
			height: Math.min(this.place.clientHeight, 0xffff),
		};
	}

	private applySize({ columns, rows }: Size): void {
		this.terminal.resize(columns, rows);
	}

	private windowChanged(): void {
		if (this.place.clientWidth === 0 || this.place.clientHeight === 0)
			return;
		const size = this.measure();
		if (sameCells(size, this.window))
			return;
		this.window = size;
		if (this.drawnTo < this.edge)
			return;
		this.applySize(size);
		clearTimeout(this.resizeTimer);
		this.resizeTimer = setTimeout(() => this.ask(this.window), RESIZE_PAUSE);
	}

	private ask(size: Size): void {
		if (this.state === STATE.OVER || this.readOnly)
			return;
		if (this.attachment?.send(FRAME.RESIZE, sizeBytes(size)))
			this.asked = [...this.asked.slice(1 - ASKED_MOST), size];
	}

	/* The replay is drawn at the sizes it had; from here on the window decides. */
	private settle(): void {
		if (this.state === STATE.OVER || this.readOnly)
			return;
		this.applySize(this.window);
		if (!sameCells(this.streamSize, this.window))
			this.ask(this.window);
	}

	/* Our own wishes come back one by one, some already outdated; other sizes are someone else's. */
	private sized(size: Size): void {
		this.streamSize = size;
		const mine = this.asked.findIndex((wish) => sameCells(wish, size));
		if (mine >= 0)
			this.asked.splice(0, mine + 1);
		else if (size.columns > 0 && size.rows > 0)
			this.applySize(size);
	}

	/* Programs that fill the screen redraw when its size changes; the kept bytes began in their midst. */
	private nudge(): void {
		if (!this.isLive || this.window.rows < 3)
			return;
		this.ask({ ...this.window, rows: this.window.rows - 1 });
		setTimeout(() => this.ask(this.window), NUDGE_PAUSE);
	}
}
