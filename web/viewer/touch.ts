// SPDX-License-Identifier: Apache-2.0
// A finger that moves over the terminal scrolls it line by line; where a program fills the screen or
// wants the mouse, it turns the wheel. A tap stays a click and opens the keyboard.
import type { Terminal } from '@xterm/xterm';

const SLOP = 8; /* pixels a finger may tremble */
const FRICTION = 0.94; /* of the speed that is left after each frame */
const SLOWEST = 0.4; /* pixels per frame */

export class Touch {
	private last = { x: 0, y: 0 };
	private moved = 0;
	private speed = 0;
	private frame = 0;
	/* Pixels that are not yet a line. */
	private rest = 0;

	constructor(private readonly place: HTMLElement, private readonly terminal: Terminal) {
		place.addEventListener('touchstart', (event) => this.begin(event), { passive: true });
		place.addEventListener('touchmove', (event) => this.move(event), { passive: false });
		place.addEventListener('touchend', () => this.glide(), { passive: true });
	}

	private begin(event: TouchEvent): void {
		const finger = event.touches[0];
		cancelAnimationFrame(this.frame);
		this.moved = 0;
		this.speed = 0;
		this.rest = 0;
		if (finger !== undefined)
			this.last = { x: finger.clientX, y: finger.clientY };
	}

	private move(event: TouchEvent): void {
		const finger = event.touches[0];
		if (finger === undefined || event.touches.length > 1)
			return;
		const step = this.last.y - finger.clientY;
		this.moved += Math.abs(step);
		this.last = { x: finger.clientX, y: finger.clientY };
		if (this.moved < SLOP)
			return;
		event.preventDefault();
		this.speed = step;
		this.scroll(step);
	}

	private glide(): void {
		if (Math.abs(this.speed) < SLOWEST)
			return;
		this.frame = requestAnimationFrame(() => {
			/* Only the page's own lines glide on: no program is typed at once the finger is gone. */
			if (!this.hasScrollback)
				return;
			this.scroll(this.speed);
			this.speed *= FRICTION;
			this.glide();
		});
	}

	private scroll(pixels: number): void {
		const screen = this.place.querySelector('.xterm-screen');
		const height = (screen?.clientHeight ?? 0) / this.terminal.rows;
		if (screen === null || !(height > 0))
			return;
		this.rest += pixels;
		const lines = Math.trunc(this.rest / height);
		this.rest -= lines * height;
		if (this.hasScrollback)
			return this.terminal.scrollLines(lines);
		for (let i = 0; i < Math.abs(lines); i++)
			this.wheel(screen, Math.sign(lines));
	}

	private get hasScrollback(): boolean {
		const { buffer, modes } = this.terminal;
		return buffer.active.type === 'normal' && modes.mouseTrackingMode === 'none';
	}

	private wheel(screen: Element, deltaY: number): void {
		screen.dispatchEvent(new WheelEvent('wheel', {
			deltaY,
			deltaMode: WheelEvent.DOM_DELTA_LINE,
			clientX: this.last.x,
			clientY: this.last.y,
			bubbles: true,
			cancelable: true,
		}));
	}
}

/* The keyboard of a phone covers the page without telling its layout; the visual viewport tells. */
export function followViewport(): void {
	const viewport = window.visualViewport;
	if (viewport === null)
		return;
	const place = (): void => {
		const { style } = document.documentElement;
		style.setProperty('--height', `${viewport.height}px`);
		style.setProperty('--top', `${viewport.offsetTop}px`);
	};
	viewport.addEventListener('resize', place);
	viewport.addEventListener('scroll', place);
	place();
}
