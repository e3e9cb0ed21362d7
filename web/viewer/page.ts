// SPDX-License-Identifier: Apache-2.0
// Elements of the page (index.html), and the making of new ones. Text from anywhere enters the page
// as text nodes only.

export function element<T extends Element>(id: string, kind: new () => T): T {
	const found = document.getElementById(id);
	if (!(found instanceof kind))
		throw new Error(`the page has no ${id}`);
	return found;
}

export function all<T extends Element>(selector: string, kind: new () => T): T[] {
	return [...document.querySelectorAll(selector)].filter((found): found is T => found instanceof kind);
}

export function make<K extends keyof HTMLElementTagNameMap>(
	tag: K, className = '', ...content: (Node | string)[]
): HTMLElementTagNameMap[K] {
	const made = document.createElement(tag);
	if (className !== '')
		made.className = className;
	made.append(...content);
	return made;
}

export interface Action {
	words: string;
	primary?: boolean;
	act: () => void;
}

export function buttons(actions: readonly Action[]): HTMLButtonElement[] {
	return actions.map(({ words, primary, act }) => {
		const button = make('button', primary ? 'primary' : '', words);
		button.type = 'button';
		button.addEventListener('click', act);
		return button;
	});
}
