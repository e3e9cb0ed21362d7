// SPDX-License-Identifier: Apache-2.0
import type { Choices, Preferences } from './preferences.ts';
import { all, element } from './page.ts';

const menu = element('menu', HTMLDivElement);
const opener = element('menu-button', HTMLButtonElement);

type Switch = 'copyOnSelect' | 'keyBar' | 'screenReader';

/* Buttons name what they do (data-does) and what they choose; the page knows how. */
export class Menu {
	constructor(
		private readonly choices: Choices,
		does: (what: string) => void,
		private readonly toggled: (open: boolean) => void,
	) {
		opener.addEventListener('click', () => this.toggle(menu.hidden !== false));
		menu.addEventListener('click', (event) => {
			const button = event.target instanceof Element ? event.target.closest('button') : null;
			const { does: what, theme } = button?.dataset ?? {};
			if (theme !== undefined)
				choices.choose({ theme: theme as Preferences['theme'] });
			else if (what === 'smaller' || what === 'larger')
				does(what);
			else if (what !== undefined) {
				this.toggle(false);
				does(what);
			}
		});
		for (const box of all('#menu [data-preference]', HTMLInputElement))
			box.addEventListener('change', () =>
				choices.choose({ [box.dataset['preference'] as Switch]: box.checked }));
		this.follow();
		addEventListener('keydown', (event) => this.key(event), true);
		addEventListener('pointerdown', (event) => {
			const target = event.target as Node;
			if (!menu.hidden && !menu.contains(target) && !opener.contains(target))
				this.toggle(false, false);
		}, true);
	}

	private follow(): void {
		this.choices.follow((preferences) => {
			element('font-size', HTMLOutputElement).textContent = String(preferences.fontSize);
			for (const button of all('#menu [data-theme]', HTMLButtonElement))
				button.setAttribute('aria-pressed',
					String(button.dataset['theme'] === preferences.theme));
			for (const box of all('#menu [data-preference]', HTMLInputElement))
				box.checked = preferences[box.dataset['preference'] as Switch];
		});
	}

	private toggle(open: boolean, focus = true): void {
		menu.hidden = !open;
		opener.setAttribute('aria-expanded', String(open));
		if (open)
			menu.querySelector('button')?.focus();
		if (open || focus)
			this.toggled(open);
	}

	private key(event: KeyboardEvent): void {
		if (menu.hidden)
			return;
		const items = all('#menu button, #menu input', HTMLElement);
		const at = items.findIndex((item) => item === document.activeElement);
		if (event.key === 'Escape')
			this.toggle(false);
		else if (event.key === 'ArrowDown')
			items[(at + 1) % items.length]?.focus();
		else if (event.key === 'ArrowUp')
			items[(at - 1 + items.length) % items.length]?.focus();
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	}
}
