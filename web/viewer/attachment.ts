// SPDX-License-Identifier: Apache-2.0
// The connection to the session: proves itself with the key, resumes where it was, comes back after
// every loss until the gateway says no. Knows frames and offsets, nothing of the screen.
import { ERROR, FRAME, PROOF_CONTEXT } from '#view';

import { bytes16, bytes64, get32, get64, getSigned32, utf8, words } from '../lib/bytes.ts';
import { type Frame, FrameReader, isInput, isShared, writeFrame } from '../lib/frames.ts';
import { Outbox } from './outbox.ts';
import type { Size } from './size.ts';

const SUBPROTOCOL = 'sallyport.1';
const DELAY_LEAST = 200; /* ms before the first new try */
const DELAY_MOST = 5000; /* ms */
const WELCOME_PATIENCE = 10000; /* ms from the dial to the WELCOME */
const PING_PAUSE = 15000; /* ms */
const PONG_PATIENCE = 5000; /* ms; coming back costs little */
const TAKEN_PAUSE = 1000; /* ms at most until what was typed is asked after */
const DIAL_STUCK = 2000; /* ms of a dial after which a sign of better times begins another */
const RENEWED = 1012; /* close code: the gateway puts another process in its place, now */
const GIVEN_UP = 4000; /* close code: ours, the connection does not stand */
const RENEWED_SPREAD = 300; /* ms over which all pages come back from a renewed gateway */
const SLEEP_LOOK = 2000; /* ms */
const SLEPT = 10000; /* ms that the clock went on while this page did not: a lid was closed */
const CLOSED_DOOR = 20000; /* ms of refused upgrades, with the gateway there, until we believe them */

/* Refusals that a restarted part of the gateway gives; the next try may be welcome. */
const PASSING: readonly number[] = [ERROR.PEER_GONE, ERROR.TIMED_OUT, ERROR.AGAIN, ERROR.STORE, ERROR.FULL];

export interface Welcome {
	/* Offset of the next byte; not where we were if older bytes are gone. */
	start: number;
	/* Bytes before it are a replay; Infinity until live() when the gateway did not say. */
	edge: number;
	readOnly: boolean;
	complete: boolean;
}

export interface Listener {
	/* How far the screen is, for the proof: EVERYTHING (bytes.ts) when it has nothing yet. */
	offset(): number;
	size(): Size;
	trying(): void;
	welcome(welcome: Welcome): void;
	live(edge: number): void;
	frame(frame: Frame, end: number): void;
	/* `bytes` are left out; the next byte is at `start`. */
	skip(start: number, bytes: number, people: number): void;
	told(payload: Uint8Array): void;
	lost(wait: number): void;
	/* What was typed last may not have reached the session; nobody can say. */
	doubtful(): void;
	roundTrip(milliseconds: number): void;
	/* Nothing more comes after this. */
	refused(words: string): void;
}

export class Attachment {
	private socket: WebSocket | null = null;
	private reader = new FrameReader();
	private welcomed = false;
	private stopped = false;
	private failures = 0;
	private closedSince = 0;
	private offset = 0;
	private timer = 0;
	private patience = 0;
	private asking = 0;
	private dialled = 0;
	private pinged = 0;
	private pingNumber = 0;
	private ponged = false;
	private readonly outbox = new Outbox();
	private wasWelcomed = false;
	private counts = false;
	/* In a blink of the network typing goes on, and is sent when it is over. */
	holds = true;

	constructor(
		private readonly session: string,
		private readonly key: CryptoKey,
		private readonly listener: Listener,
	) {
		addEventListener('online', () => this.hurry());
		addEventListener('pageshow', () => this.hurry());
		document.addEventListener('resume', () => this.hurry());
		document.addEventListener('visibilitychange', () => {
			if (document.visibilityState === 'visible')
				this.hurry();
		});
		addEventListener('beforeunload', (event) => {
			if (!this.stopped && !this.welcomed && this.isDoubtful)
				event.preventDefault();
		});
		this.watchClock();
	}

	get isDoubtful(): boolean {
		return this.outbox.isDoubtful;
	}

	start(): void {
		this.clear();
		if (this.stopped)
			return;
		this.listener.trying();
		const socket = new WebSocket(`wss://${location.host}/session/${this.session}/attach`, SUBPROTOCOL);
		let opened = false;
		socket.binaryType = 'arraybuffer';
		this.socket = socket;
		this.reader = new FrameReader();
		this.welcomed = false;
		this.ponged = false;
		this.pinged = 0;
		this.dialled = performance.now();
		socket.addEventListener('open', () => {
			opened = true;
		});
		socket.addEventListener('message', ({ data }) => {
			if (socket === this.socket)
				this.receive(socket, data);
		});
		socket.addEventListener('close', ({ code }) => {
			if (socket === this.socket)
				void this.closed(opened, code);
		});
		this.patience = setTimeout(() => this.drop(), WELCOME_PATIENCE);
	}

	stop(): void {
		this.stopped = true;
		this.clear();
		this.socket?.close(1000);
		this.socket = null;
	}

	/* Try now, if a try is due anyway; or find out whether a quiet connection still stands. */
	hurry(): void {
		if (this.stopped)
			return;
		if (this.socket === null)
			this.start();
		else if (this.welcomed)
			this.ping();
		else if (performance.now() - this.dialled > DIAL_STUCK)
			this.dialAnew();
	}

	/* True when the frame is on its way. What cannot be sent now is not kept: see type(). */
	send(type: number, ...parts: readonly Uint8Array[]): boolean {
		if (!this.welcomed || this.socket?.readyState !== WebSocket.OPEN)
			return false;
		const frame = writeFrame(type, ...parts);
		if (isInput(type) && this.counts) {
			if (!this.outbox.add(frame))
				return false;
			this.askTaken();
		}
		this.socket.send(frame);
		return true;
	}

	/*
	 * What the person types: also kept while the connection is away for a blink, or about to close, and
	 * sent once it is back. Longer than that nobody types blindly.
	 */
	type(type: number, bytes: Uint8Array): boolean {
		if (this.welcomed && this.socket?.readyState === WebSocket.OPEN)
			return this.send(type, bytes);
		return !this.stopped && this.counts && this.holds && this.outbox.add(writeFrame(type, bytes));
	}

	/* A timer that comes late by much: everything slept, and the connection may have died meanwhile. */
	private watchClock(): void {
		let last = Date.now();
		setInterval(() => {
			const now = Date.now();
			if (now - last > SLEPT)
				this.hurry();
			last = now;
		}, SLEEP_LOOK);
	}

	private dialAnew(): void {
		this.drop();
		this.start();
	}

	private clear(): void {
		clearTimeout(this.timer);
		clearTimeout(this.patience);
		clearTimeout(this.asking);
		this.asking = 0;
	}

	/* Gives the connection up at once; close() alone would wait for an answer that may never come. */
	private drop(): void {
		const socket = this.socket;
		this.socket = null;
		socket?.close(GIVEN_UP);
		void this.closed(true, GIVEN_UP);
	}

	private receive(socket: WebSocket, data: unknown): void {
		if (!(data instanceof ArrayBuffer))
			return this.drop();
		try {
			for (const frame of this.reader.push(new Uint8Array(data))) {
				this.take(frame);
				if (socket !== this.socket)
					return;
			}
		} catch (error) {
			console.error(error);
			this.drop();
		}
	}

	private take(frame: Frame): void {
		if (isShared(frame.type)) {
			if (!this.welcomed)
				throw new Error('bytes of the session before the welcome');
			this.offset += frame.length;
			return this.listener.frame(frame, this.offset);
		}
		switch (frame.type) {
		case FRAME.CHALLENGE:
			return void this.prove(frame.payload);
		case FRAME.WELCOME:
			return this.welcome(frame.payload);
		case FRAME.SKIPPED:
			return this.skipped(frame.payload);
		case FRAME.TOLD:
			return this.listener.told(frame.payload);
		case FRAME.PONG:
			return this.pong();
		case FRAME.REFUSED:
			return this.refused(getSigned32(frame.payload, 0), words(frame.payload.subarray(4)));
		}
	}

	private async prove(challenge: Uint8Array): Promise<void> {
		const socket = this.socket;
		const { columns, rows } = this.listener.size();
		const context = utf8(`${PROOF_CONTEXT}\0${this.session}`);
		const message = new Uint8Array(context.length + challenge.length);
		message.set(context);
		message.set(challenge, context.length);
		const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, this.key, message);
		if (socket === this.socket && socket?.readyState === WebSocket.OPEN)
			socket.send(writeFrame(FRAME.PROOF, bytes64(this.listener.offset()), bytes16(columns, rows),
				new Uint8Array(signature), this.outbox.page));
	}

	private welcome(payload: Uint8Array): void {
		clearTimeout(this.patience);
		this.welcomed = true;
		this.failures = 0;
		this.closedSince = 0;
		this.offset = get64(payload, 0);
		this.sendAgain(payload);
		this.listener.welcome({
			start: this.offset,
			edge: payload.length >= 24 ? get64(payload, 16) : Infinity,
			readOnly: payload[12] !== 0,
			complete: payload[13] !== 0,
		});
		this.ping();
	}

	/* Before anything new is said: what the gateway did not take of what was said before. */
	private sendAgain(payload: Uint8Array): void {
		this.counts = payload.length >= 32;
		const taken = this.counts ? get64(payload, 24) : 0;
		const isKnown = this.counts && payload[14] !== 0;
		if (!isKnown && this.outbox.forget(taken) && this.wasWelcomed)
			this.listener.doubtful();
		this.wasWelcomed = true;
		this.holds = true;
		for (const frame of isKnown ? this.outbox.resume(taken) : [])
			this.socket?.send(frame);
		if (!this.outbox.isEmpty)
			this.askTaken();
	}

	/* The gateway answers a PING after it took everything that was sent before it. */
	private askTaken(): void {
		if (this.asking !== 0)
			return;
		this.asking = setTimeout(() => {
			this.asking = 0;
			this.ping();
		}, TAKEN_PAUSE);
	}

	private skipped(payload: Uint8Array): void {
		if (!this.welcomed)
			throw new Error('a skip before the welcome');
		this.offset = get64(payload, 0);
		this.listener.skip(this.offset, get64(payload, 8), get32(payload, 16));
	}

	private ping(): void {
		if (this.pinged !== 0)
			return;
		this.pinged = performance.now();
		this.pingNumber = this.outbox.number;
		this.send(FRAME.PING, bytes64(Math.floor(this.pinged)));
		clearTimeout(this.patience);
		if (this.ponged)
			this.patience = setTimeout(() => this.drop(), PONG_PATIENCE);
	}

	private pong(): void {
		clearTimeout(this.patience);
		if (this.pinged === 0)
			return;
		if (!this.ponged)
			this.listener.live(this.offset);
		this.ponged = true;
		this.listener.roundTrip(performance.now() - this.pinged);
		this.pinged = 0;
		this.outbox.settle(this.pingNumber);
		if (!this.outbox.isEmpty)
			this.askTaken();
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.ping(), PING_PAUSE);
	}

	private refused(why: number, reason: string): void {
		if (PASSING.includes(-why))
			return this.drop();
		this.stop();
		this.listener.refused(reason);
	}

	private async closed(opened: boolean, code: number): Promise<void> {
		this.clear();
		this.socket = null;
		this.welcomed = false;
		this.outbox.lost();
		if (this.stopped)
			return;
		if (!opened && await this.isBarred()) {
			this.stop();
			return this.listener.refused('');
		}
		if (this.stopped || this.socket !== null)
			return;
		const wait = code === RENEWED ? Math.random() * RENEWED_SPREAD
			: Math.min(DELAY_MOST, DELAY_LEAST * 2 ** this.failures++) * (0.8 + Math.random() * 0.4);
		this.listener.lost(wait);
		this.timer = setTimeout(() => this.start(), wait);
	}

	/*
	 * A browser does not say why an upgrade failed. If the gateway serves pages while it refuses the
	 * upgrade again and again, the refusal is meant; a restart takes seconds only.
	 */
	private async isBarred(): Promise<boolean> {
		const isThere = await fetch(location.pathname, { method: 'HEAD', cache: 'no-store' })
			.then(({ ok }) => ok, () => false);
		const now = performance.now();
		if (!isThere || this.closedSince === 0)
			this.closedSince = isThere ? now : 0;
		return isThere && now - this.closedSince >= CLOSED_DOOR;
	}
}
