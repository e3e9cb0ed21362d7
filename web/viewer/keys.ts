// SPDX-License-Identifier: Apache-2.0
// The bar with keys that a phone's keyboard lacks. Ctrl and Alt hold for the next key.
import type { Choices } from './preferences.ts';
import { all, element } from './page.ts';
import type { Screen } from './screen.ts';

const bar = element('keys', HTMLDivElement);
const ARROWS: Readonly<Record<string, string>> = { ArrowUp: 'A', ArrowDown: 'B', ArrowRight: 'C', ArrowLeft: 'D' };

export class Keys {
	private held = { ctrl: false, alt: false };

	constructor(private readonly screen: Screen, choices: Choices, does: (what: string) => void) {
		choices.follow(({ keyBar }) => {
			bar.hidden = !keyBar;
		});
		/* A press must not take the focus: the phone's keyboard would close. */
		bar.addEventListener('pointerdown', (event) => event.preventDefault());
		bar.addEventListener('click', (event) => {
			const button = event.target instanceof Element ? event.target.closest('button') : null;
			const { key, modifier, does: what } = button?.dataset ?? {};
			if (what !== undefined)
				does(what);
			else if (modifier === 'ctrl' || modifier === 'alt')
				this.hold(modifier, !this.held[modifier]);
			else if (key !== undefined)
				this.press(key);
		});
		screen.transform = (data) => this.modify(data);
	}

	private hold(modifier: 'ctrl' | 'alt', held: boolean): void {
		this.held[modifier] = held;
		for (const button of all(`#keys [data-modifier=${modifier}]`, HTMLButtonElement))
			button.setAttribute('aria-pressed', String(held));
	}

	private release(): void {
		this.hold('ctrl', false);
		this.hold('alt', false);
	}

	private press(key: string): void {
		const arrow = ARROWS[key];
		if (arrow !== undefined)
			this.screen.type(this.arrow(arrow));
		else
			this.screen.type(key === 'Escape' ? '\x1b' : key === 'Tab' ? '\t' : key);
		this.screen.terminal.focus();
	}

	private arrow(letter: string): string {
		const modifiers = 1 + (this.held.alt ? 2 : 0) + (this.held.ctrl ? 4 : 0);
		this.release();
		if (modifiers > 1)
			return `\x1b[1;${modifiers}${letter}`;
		return `\x1b${this.screen.terminal.modes.applicationCursorKeysMode ? 'O' : '['}${letter}`;
	}

	/* Single characters only: a word from the phone's dictionary is not a chord. */
	private modify(data: string): string {
		const { ctrl, alt } = this.held;
		if (!ctrl && !alt || data.length !== 1)
			return data;
		this.release();
		const code = data.toUpperCase().charCodeAt(0);
		const key = !ctrl ? data
			: code >= 0x40 && code < 0x60 ? String.fromCharCode(code & 0x1f)
			: data === ' ' ? '\0'
			: data === '?' ? '\x7f' : data;
		return alt ? `\x1b${key}` : key;
	}
}
