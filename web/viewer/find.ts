// SPDX-License-Identifier: Apache-2.0
// Finding text in the screen and the scrollback. The search itself is loaded when first used.
import type { ISearchOptions, SearchAddon } from '@xterm/addon-search';
import type { Terminal } from '@xterm/xterm';

import { element } from './page.ts';

const bar = element('find', HTMLFormElement);
const input = element('find-text', HTMLInputElement);
const count = element('find-count', HTMLOutputElement);
const matchCase = element('find-case', HTMLButtonElement);

export class Find {
	private addon: SearchAddon | null = null;
	private isLight = false;

	constructor(private readonly terminal: Terminal) {
		bar.addEventListener('submit', (event) => event.preventDefault());
		input.addEventListener('input', () => this.search(true, true));
		input.addEventListener('keydown', (event) => this.key(event));
		element('find-next', HTMLButtonElement).addEventListener('click', () => this.search(true));
		element('find-previous', HTMLButtonElement).addEventListener('click', () => this.search(false));
		element('find-close', HTMLButtonElement).addEventListener('click', () => this.close());
		matchCase.addEventListener('click', () => {
			matchCase.setAttribute('aria-pressed', String(!this.isCaseSensitive));
			/* The search compares its options with themselves; forgetting makes it look again. */
			this.addon?.clearDecorations();
			this.search(true, true);
		});
	}

	set light(isLight: boolean) {
		this.isLight = isLight;
	}

	async open(): Promise<void> {
		bar.hidden = false;
		const selected = this.terminal.getSelection();
		if (selected !== '' && !selected.includes('\n'))
			input.value = selected;
		input.focus();
		input.select();
		if (this.addon === null) {
			const { SearchAddon } = await import('@xterm/addon-search');
			this.addon = new SearchAddon({ highlightLimit: 1000 });
			this.addon.onDidChangeResults(({ resultIndex, resultCount }) =>
				this.found(resultIndex, resultCount));
			this.terminal.loadAddon(this.addon);
		}
		this.search(true, true);
	}

	close(): void {
		bar.hidden = true;
		this.addon?.clearDecorations();
		this.terminal.focus();
	}

	private get isCaseSensitive(): boolean {
		return matchCase.getAttribute('aria-pressed') === 'true';
	}

	private key(event: KeyboardEvent): void {
		if (event.key === 'Enter')
			this.search(!event.shiftKey);
		else if (event.key === 'Escape')
			this.close();
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	}

	private search(forward: boolean, incremental = false): void {
		if (input.value === '') {
			this.addon?.clearDecorations();
			count.textContent = '';
			return;
		}
		const options: ISearchOptions = {
			caseSensitive: this.isCaseSensitive,
			incremental,
			decorations: {
				matchBackground: this.isLight ? '#f3dfa2' : '#57481d',
				matchOverviewRuler: '#c9a227',
				activeMatchBackground: this.isLight ? '#ffb84d' : '#a5650b',
				activeMatchColorOverviewRuler: '#ff9f1c',
			},
		};
		/* The newest match first: what is looked for is most often near the prompt. */
		if (forward && !incremental)
			this.addon?.findNext(input.value, options);
		else
			this.addon?.findPrevious(input.value, options);
	}

	private found(index: number, total: number): void {
		if (input.value === '')
			count.textContent = '';
		else if (total === 0)
			count.textContent = 'none';
		else
			count.textContent = index < 0 ? `${total}` : `${index + 1} of ${total}`;
	}
}
