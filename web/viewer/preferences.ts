// SPDX-License-Identifier: Apache-2.0
// What the person chose, kept in this browser.

export interface Preferences {
	fontSize: number;
	theme: 'auto' | 'dark' | 'light';
	copyOnSelect: boolean;
	keyBar: boolean;
	screenReader: boolean;
}

const PLACE = 'sallyport';
export const FONT_SIZE_LEAST = 8;
export const FONT_SIZE_MOST = 32;

const hasFinger = matchMedia('(pointer: coarse)');
const prefersLight = matchMedia('(prefers-color-scheme: light)');

function defaults(): Preferences {
	return {
		fontSize: hasFinger.matches ? 12 : 14,
		theme: 'auto',
		copyOnSelect: true,
		keyBar: hasFinger.matches,
		screenReader: false,
	};
}

/* Only values of the right kind are believed: the storage may be of another version. */
function read(): Preferences {
	const chosen = defaults();
	try {
		const kept: unknown = JSON.parse(localStorage.getItem(PLACE) ?? '{}');
		if (typeof kept === 'object' && kept !== null)
			for (const [name, value] of Object.entries(kept))
				if (name in chosen && typeof value === typeof chosen[name as keyof Preferences])
					Object.assign(chosen, { [name]: value });
	} catch {
		/* no storage or not ours: the defaults serve */
	}
	if (!['auto', 'dark', 'light'].includes(chosen.theme))
		chosen.theme = 'auto';
	chosen.fontSize = clampSize(chosen.fontSize);
	return chosen;
}

export function clampSize(size: number): number {
	const whole = Math.round(size);
	return Math.min(FONT_SIZE_MOST, Math.max(FONT_SIZE_LEAST, Number.isFinite(whole) ? whole : 14));
}

export class Choices {
	private preferences = read();
	private listeners: ((preferences: Preferences) => void)[] = [];

	constructor() {
		prefersLight.addEventListener('change', () => this.tell());
	}

	get now(): Readonly<Preferences> {
		return this.preferences;
	}

	get isLight(): boolean {
		return this.preferences.theme === 'light'
			|| this.preferences.theme === 'auto' && prefersLight.matches;
	}

	/* The listener is called at once and after every change. */
	follow(listener: (preferences: Preferences) => void): void {
		this.listeners.push(listener);
		listener(this.preferences);
	}

	choose(change: Partial<Preferences>): void {
		this.preferences = { ...this.preferences, ...change };
		this.preferences.fontSize = clampSize(this.preferences.fontSize);
		try {
			localStorage.setItem(PLACE, JSON.stringify(this.preferences));
		} catch {
			/* then it holds for this visit */
		}
		this.tell();
	}

	private tell(): void {
		for (const listener of this.listeners)
			listener(this.preferences);
	}
}
