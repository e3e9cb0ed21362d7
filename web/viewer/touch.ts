// SPDX-License-Identifier: Apache-2.0
// A finger that moves over the terminal turns its wheel: scrollback, pagers and mouse programs all
// know what to do with that. A tap stays a click and opens the keyboard.

const SLOP = 8; /* pixels a finger may tremble */
const FRICTION = 0.94; /* of the speed that is left after each frame */
const SLOWEST = 0.4; /* pixels per frame */

export class Touch {
	private last = { x: 0, y: 0 };
	private moved = 0;
	private speed = 0;
	private frame = 0;

	constructor(private readonly place: HTMLElement) {
		place.addEventListener('touchstart', (event) => this.begin(event), { passive: true });
		place.addEventListener('touchmove', (event) => this.move(event), { passive: false });
		place.addEventListener('touchend', () => this.glide(), { passive: true });
	}

	private begin(event: TouchEvent): void {
		const finger = event.touches[0];
		cancelAnimationFrame(this.frame);
		this.moved = 0;
		this.speed = 0;
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
		this.wheel(step);
	}

	private glide(): void {
		if (Math.abs(this.speed) < SLOWEST)
			return;
		this.frame = requestAnimationFrame(() => {
			this.wheel(this.speed);
			this.speed *= FRICTION;
			this.glide();
		});
	}

	private wheel(deltaY: number): void {
		this.place.querySelector('.xterm-screen')?.dispatchEvent(new WheelEvent('wheel', {
			deltaY,
			deltaMode: WheelEvent.DOM_DELTA_PIXEL,
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
