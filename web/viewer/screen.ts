// SPDX-License-Identifier: Apache-2.0
// The terminal between the stream and the person: meets frames in order, sends what the person types,
// keeps its size in step with the target's.
import { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import { FRAME, STATE } from '#view';

import { anew } from '../lib/anew.ts';
import { bytes16, bytes64, EVERYTHING, latin1, utf8 } from '../lib/bytes.ts';
import type { Frame } from '../lib/frames.ts';
import { type Keyframe, readKeyframe } from '../lib/keyframe.ts';
import { listen, type Report } from '../lib/replies.ts';
import type { Attachment, Welcome } from './attachment.ts';
import { Drawing } from './drawing.ts';
import { readSize, sameCells, type Size, sizeBytes } from './size.ts';

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
	present(people: number): void;
	/* Bytes that are not shown. */
	missed(bytes: number): void;
	/* The first text of the session, or of this tab, has been drawn. */
	drawn(): void;
	/* Something was typed that could not be sent. */
	unsent(): void;
}

export function amount(bytes: number): string {
	const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
	return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export class Screen {
	attachment: Attachment | null = null;
	/* Changes what is typed before it leaves: the key bar's Ctrl. */
	transform: (data: string) => string = (data) => data;

	private readonly fit = new FitAddon();
	private readonly drawing: Drawing;
	private received = EVERYTHING;
	/* Where the stream went on without `missing` bytes, until its first bytes for the terminal are there. */
	private moved: { start: number; missing: number } | null = null;
	/* The part of a keyframe that belongs to the screen; null: it follows the bytes and needs none. */
	private awaits: number | null = null;
	private state: number = 0;
	private edge = 0;
	private answersFrom = 0;
	private isFirst = false;
	private readOnly = false;
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
		this.drawing = new Drawing(terminal,
			(offset) => this.attachment?.send(FRAME.ACK, bytes64(offset)) === true, () => witness.drawn());
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

	get hasText(): boolean {
		return this.drawing.hasText;
	}

	/* The text the terminal is reading right now is older than this attachment. */
	get isReplay(): boolean {
		const { reading } = this.drawing;
		return reading === undefined || reading <= this.answersFrom;
	}

	/*
	 * After a first redemption nobody has answered for us yet, so programs that asked while the page
	 * was still on its way get their reports.
	 */
	answerEverything(): void {
		this.isFirst = true;
	}

	welcome({ start, edge, readOnly, complete }: Welcome): void {
		const before = this.received;
		this.readOnly = readOnly;
		this.edge = edge;
		this.asked = [];
		this.answersFrom = this.isFirst ? 0 : edge;
		this.isFirst = false;
		this.received = start;
		if (before === start)
			this.drawing.continueAt(start);
		else if (complete)
			this.restart(start);
		else
			this.goOnAt(start, start - Math.max(before, 0));
		if (start >= edge)
			this.drawing.after(start, () => this.settle());
	}

	/* The gateway left `bytes` out: a keyframe is at `start`. */
	skip(start: number, bytes: number, people: number): void {
		const before = this.received;
		this.received = start;
		if (bytes > 0)
			this.goOnAt(start, bytes);
		this.drawing.after(start, () => this.witness.present(people));
		if (before < this.edge && start >= this.edge)
			this.drawing.after(start, () => this.settle());
	}

	/* The gateway did not say where the replay ends; now we know. */
	live(edge: number): void {
		if (this.edge !== Infinity)
			return;
		this.edge = edge;
		if (this.answersFrom === Infinity)
			this.answersFrom = edge;
		this.drawing.after(edge, () => this.settle());
	}

	frame(frame: Frame, end: number): void {
		const before = this.received;
		this.received = end;
		if (frame.type === FRAME.TEXT)
			this.text(frame.payload, before, end);
		else if (frame.type === FRAME.KEYFRAME)
			this.keyframe(readKeyframe(frame.payload), end, before >= this.edge);
		else
			this.drawing.after(end, () => this.meet(frame));
		if (before < this.edge && end >= this.edge)
			this.drawing.after(end, () => this.settle());
	}

	acknowledge(): void {
		this.drawing.acknowledge();
	}

	/* Types for the person, as the key bar does. */
	type(data: string): void {
		this.terminal.input(data, true);
	}

	send(type: number, bytes: Uint8Array): boolean {
		if (!this.isLive || this.readOnly || !this.attachment?.type(type, bytes)) {
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

	/* The whole stream anew, or all that the gateway knows of it. */
	private restart(start: number): void {
		this.moved = null;
		this.awaits = null;
		this.drawing.moveTo(start, () => {
			this.terminal.reset();
			this.streamSize = null;
			return '';
		});
	}

	/* The screen of a stretch that does not continue ours begins with a keyframe. */
	private goOnAt(start: number, missing: number): void {
		this.moved = { start, missing: (this.moved?.missing ?? 0) + missing };
		this.awaits = 0;
		if (this.hasText)
			this.drawing.after(start, () => this.witness.missed(missing));
	}

	private begin(size: Size | null): void {
		const { start, missing } = this.moved!;
		this.moved = null;
		this.drawing.moveTo(start, () => {
			this.streamSize = size;
			if (size !== null)
				this.applySize(size);
			if (!this.hasText)
				this.terminal.reset();
			return anew(this.terminal, `--- ${amount(missing)} not shown ---`);
		});
	}

	private text(bytes: Uint8Array, start: number, end: number): void {
		if (this.awaits !== null)
			this.doWithout(start);
		this.drawing.bytes(bytes, end);
	}

	/* One that is not awaited shows what the screen shows already. */
	private keyframe({ columns, rows, part, parts, state, bytes }: Keyframe, end: number, isLive: boolean): void {
		if (part !== this.awaits)
			return this.drawing.after(end, () => undefined);
		if (part === 0) {
			this.begin({ columns, rows, width: 0, height: 0 });
			this.drawing.after(end, () => this.setState(state, new Uint8Array()));
		}
		this.drawing.bytes(bytes, end);
		this.awaits = part + 1 < parts ? part + 1 : null;
		if (this.awaits === null && isLive)
			this.drawing.after(end, () => this.settle());
	}

	/*
	 * There is no keyframe, so the bytes begin in the midst of things. The state was said in some that
	 * are gone; that old, it can only be this one. Programs that fill the screen redraw it.
	 */
	private doWithout(start: number): void {
		if (this.moved !== null)
			this.begin(null);
		this.awaits = null;
		this.drawing.after(start, () => {
			this.setState(STATE.LIVE, new Uint8Array());
			setTimeout(() => this.nudge(), NUDGE_PAUSE);
		});
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
		if (this.drawing.drawnTo < this.edge)
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

	private nudge(): void {
		if (!this.isLive || this.window.rows < 3)
			return;
		this.ask({ ...this.window, rows: this.window.rows - 1 });
		setTimeout(() => this.ask(this.window), NUDGE_PAUSE);
	}
}
