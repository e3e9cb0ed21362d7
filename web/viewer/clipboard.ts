// SPDX-License-Identifier: Apache-2.0
// Copying and pasting. A paste is its own frame, so that the recording tells it from typing.
import type { Terminal } from '@xterm/xterm';
import { FRAME, FRAME_MAX } from '#view';

import { utf8 } from '../lib/bytes.ts';
import type { Choices } from './preferences.ts';
import { ask, toast } from './say.ts';
import type { Screen } from './screen.ts';

const PASTE_MOST = 1024 * 1024; /* bytes */
const OFFER_MOST = 64 * 1024; /* bytes a target may offer to the clipboard */
const PREVIEW_MOST = 2000; /* characters */
const PREVIEW_TIME = 15000; /* ms between two offers that are shown */

/*
 * Lines end as the Enter key ends them. Other controls are left out: text that was copied from
 * somewhere must not be able to end the bracket, or to press keys the person does not see.
 */
export function pasteText(text: string, bracketed: boolean): string {
	const clean = text.replace(/\r?\n/g, '\r').replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, '');
	return bracketed ? `\x1b[200~${clean}\x1b[201~` : clean;
}

function lines(text: string): number {
	return text.replace(/\r?\n$/, '').split(/\r\n|\r|\n/).length;
}

function preview(text: string): string {
	return text.length > PREVIEW_MOST ? `${text.slice(0, PREVIEW_MOST)}\n...` : text;
}

async function mayPaste(text: string, bracketed: boolean): Promise<boolean> {
	const count = lines(text);
	return bracketed || count === 1 && !/[\r\n]$/.test(text) || ask({
		title: count === 1 ? 'Paste a line that ends with Enter?' : `Paste ${count} lines?`,
		words: 'The program on the target takes each line as if you pressed Enter after it.',
		text: preview(text),
		yes: 'Paste',
		no: 'Cancel',
	});
}

async function paste(screen: Screen, text: string): Promise<void> {
	const bracketed = screen.terminal.modes.bracketedPasteMode;
	if (text === '' || !await mayPaste(text, bracketed))
		return screen.terminal.focus();
	const bytes = utf8(pasteText(text, bracketed));
	if (bytes.length > PASTE_MOST)
		return toast('That is too much to paste: more than 1 MiB.');
	for (let at = 0; at < bytes.length; at += FRAME_MAX)
		if (!screen.send(FRAME.PASTE, bytes.subarray(at, at + FRAME_MAX)))
			return;
	screen.terminal.scrollToBottom();
	screen.terminal.focus();
}

async function copy(text: string, quietly: boolean): Promise<void> {
	if (text === '')
		return;
	try {
		await navigator.clipboard.writeText(text);
		if (!quietly)
			toast('Copied.');
	} catch {
		if (!quietly)
			toast('The browser did not allow copying.');
	}
}

function wholeScreen({ buffer: { active }, rows }: Terminal): string {
	const text = Array.from({ length: rows }, (_, row) =>
		active.getLine(active.viewportY + row)?.translateToString(true) ?? '');
	return text.join('\n').trimEnd();
}

function decodeOffer(data: string): string | null {
	const encoded = data.slice(data.indexOf(';') + 1);
	if (encoded === '?' || encoded === '' || encoded.length > OFFER_MOST * 4 / 3)
		return null;
	try {
		const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return null;
	}
}

async function accept(text: string): Promise<void> {
	const yes = await ask({
		title: 'Copy what the target offers?',
		words: 'A program on the target wants this in your clipboard.',
		text: preview(text),
		yes: 'Copy',
		no: 'Ignore',
	});
	if (yes)
		await copy(text, false);
}

/* OSC 52: a target never reads the clipboard, and writes it only when the person says so. */
function offers(terminal: Terminal, isReplay: () => boolean): void {
	let quietUntil = 0;
	terminal.parser.registerOscHandler(52, (data) => {
		const text = decodeOffer(data);
		if (text === null || isReplay() || performance.now() < quietUntil)
			return true;
		quietUntil = performance.now() + PREVIEW_TIME;
		toast(`The target offers ${text.length} characters for your clipboard.`, {
			words: 'Show',
			act: () => void accept(text),
		});
		return true;
	});
}

export class Clipboard {
	constructor(private readonly screen: Screen, private readonly choices: Choices, place: HTMLElement) {
		const { terminal } = screen;
		place.addEventListener('paste', (event) => {
			event.preventDefault();
			event.stopImmediatePropagation();
			void paste(screen, event.clipboardData?.getData('text/plain') ?? '');
		}, true);
		place.addEventListener('drop', (event) => event.preventDefault(), true);
		place.addEventListener('mouseup', () => setTimeout(() => this.selected()));
		offers(terminal, () => screen.isReplay);
	}

	copy(): void {
		void copy(this.screen.terminal.getSelection(), true);
	}

	copyScreen(): void {
		void copy(wholeScreen(this.screen.terminal), false);
	}

	/* For menus and keys of the page; the browser asks the person itself where it wants to. */
	async paste(): Promise<void> {
		try {
			await paste(this.screen, await navigator.clipboard.readText());
		} catch {
			toast('The browser does not let this page read the clipboard. '
				+ 'Press Ctrl+Shift+V in the terminal.');
		}
	}

	private selected(): void {
		if (this.choices.now.copyOnSelect && this.screen.terminal.hasSelection())
			this.copy();
	}
}
