// SPDX-License-Identifier: Apache-2.0
// The session page. Served for /modulos/auth?_sr=... (a link to spend) and for /session/<id> (a
// session this browser has a key for).
import '@xterm/xterm/css/xterm.css';
import './page.css';

import type { Terminal } from '@xterm/xterm';

import { accelerate, createTerminal } from '../lib/terminal.ts';
import { dark, light } from '../lib/theme.ts';
import { Clipboard } from './clipboard.ts';
import { Find } from './find.ts';
import { type Ending, forgetOld, keep, type Kept, recall } from './keyring.ts';
import { Keys } from './keys.ts';
import { Menu } from './menu.ts';
import { element } from './page.ts';
import { Choices } from './preferences.ts';
import { makeKey, redeem, takeTicket } from './redeem.ts';
import { ask, hideCard, showCard } from './say.ts';
import { Screen, type Witness } from './screen.ts';
import { accountAt, Session, showEnding, showFacts, showState } from './session.ts';
import { followViewport, Touch } from './touch.ts';

const BELL_TIME = 150; /* ms */

/* A key that is gone without a word: the session ended while this was written down. */
const UNKNOWN_END: Ending = { why: 0, exitStatus: -1, words: '', wasLive: true };

const place = element('terminal', HTMLDivElement);
const choices = new Choices();

/* The terminal exists before its session: redeeming needs its size. */
class Page implements Witness {
	readonly terminal: Terminal;
	readonly screen: Screen;
	private readonly find: Find;
	private readonly clipboard: Clipboard;
	private session: Session | null = null;

	constructor() {
		this.terminal = createTerminal({ activate: (_, text) => void this.follow(text) });
		this.dress();
		this.screen = new Screen(this.terminal, place, this);
		this.find = new Find(this.terminal);
		this.clipboard = new Clipboard(this.screen, choices, place);
		const does = (what: string): void => this.does(what);
		new Keys(this.screen, choices, does);
		new Menu(choices, does, (open) => open ? this.session?.measure() : this.terminal.focus());
		new Touch(place, this.terminal);
		choices.follow(() => {
			this.dress();
			this.screen.refit();
		});
		this.terminal.attachCustomKeyEventHandler((event) => this.key(event));
		this.terminal.onBell(() => this.bell());
		element('find-button', HTMLButtonElement).addEventListener('click', () => does('find'));
		document.addEventListener('visibilitychange', () => this.quiet());
		void accelerate(this.terminal).then((renderer) => {
			document.documentElement.dataset['renderer'] = renderer;
		});
	}

	/* A frame of the stream, told on to the session it belongs to. */
	state(state: number, payload: Uint8Array): void {
		this.session?.state(state, payload);
	}

	notice(payload: Uint8Array): void {
		this.session?.notice(payload);
	}

	ended(payload: Uint8Array): void {
		this.session?.ended(payload);
	}

	joined(payload: Uint8Array): void {
		this.session?.joined(payload);
	}

	left(payload: Uint8Array): void {
		this.session?.left(payload);
	}

	present(people: number): void {
		this.session?.present(people);
	}

	missed(bytes: number): void {
		this.session?.missed(bytes);
	}

	drawn(): void {
		this.session?.drawn();
	}

	unsent(): void {
		this.session?.unsent();
	}

	/* A link: its value is spent once, here, and the page becomes the page of its session. */
	async open(ticket: string): Promise<void> {
		showState('opening', 'Opening');
		const { key, publicKey } = await makeKey();
		const redeemed = await redeem(ticket, publicKey, this.screen.size);
		if (redeemed.kind === 'refused')
			return notValid();
		if (redeemed.kind === 'failed')
			return showFailure(redeemed.words, () => void this.open(ticket));
		const { facts } = redeemed;
		const kept: Kept = { facts, key, started: !facts.click, openedAt: Date.now(), ending: null };
		history.replaceState(null, '', `/session/${facts.session}`);
		await keep(kept);
		this.enter(kept, true);
	}

	/* A reload, or a second tab: the key is here or nowhere. */
	async resume(session: string): Promise<void> {
		const kept = await recall(session);
		if (kept === null)
			return notHere();
		this.enter(kept, false);
	}

	private enter(kept: Kept, isFirst: boolean): void {
		showFacts(kept);
		if (kept.ending !== null || kept.key === null)
			return showEnding(kept, kept.ending ?? UNKNOWN_END, false);
		if (!kept.started)
			return this.invite(kept);
		this.session = new Session(kept, kept.key, this.screen, isFirst);
		this.session.start();
	}

	private invite(kept: Kept): void {
		const { facts } = kept;
		showState('waiting', 'Waiting for you');
		showCard({
			title: 'Start this session?',
			words: facts.recorded ? ['Everything shown and typed in it is recorded.'] : [],
			facts: [
				['Target', accountAt(facts)], ['Protocol', facts.protocol],
				['You are', facts.user], ['Asked for by', facts.application],
			],
			actions: [{
				words: 'Start',
				primary: true,
				act: () => {
					hideCard();
					kept.started = true;
					void keep(kept);
					this.enter(kept, true);
				},
			}],
		});
	}

	private dress(): void {
		const { fontSize, screenReader } = choices.now;
		document.documentElement.dataset['theme'] = choices.isLight ? 'light' : 'dark';
		this.terminal.options.theme = choices.isLight ? light : dark;
		this.terminal.options.fontSize = fontSize;
		this.terminal.options.screenReaderMode = screenReader;
		if (this.find !== undefined)
			this.find.light = choices.isLight;
	}

	private does(what: string): void {
		const { fontSize } = choices.now;
		switch (what) {
		case 'copy':
			return this.clipboard.copy();
		case 'copy-screen':
			return this.clipboard.copyScreen();
		case 'paste':
			return void this.clipboard.paste();
		case 'find':
			return void this.find.open();
		case 'larger':
			return choices.choose({ fontSize: fontSize + 1 });
		case 'smaller':
			return choices.choose({ fontSize: fontSize - 1 });
		case 'full-screen':
			return void (document.fullscreenElement ? document.exitFullscreen()
				: document.documentElement.requestFullscreen().catch(() => undefined));
		case 'end':
			return void this.askToEnd();
		}
	}

	private async askToEnd(): Promise<void> {
		const yes = await ask({
			title: 'End the session?',
			words: 'Programs that run in it are closed. It cannot be opened again.',
			yes: 'End it',
			no: 'Go on',
			grave: true,
		});
		if (yes)
			this.session?.end();
		this.terminal.focus();
	}

	/* Links that a target prints are shown in full before anything is opened. */
	private async follow(link: string): Promise<void> {
		const { href, protocol } = new URL(link);
		if (protocol !== 'https:' && protocol !== 'http:')
			return;
		const yes = await ask({
			title: 'Open this link?',
			words: 'A program on the target printed it. It opens in a new tab, outside of the session.',
			text: href,
			yes: 'Open',
			no: 'Cancel',
		});
		if (yes)
			window.open(href, '_blank', 'noopener,noreferrer');
	}

	/* False: not for the target. Everything that is not listed here is. */
	private key(event: KeyboardEvent): boolean {
		const what = shortcut(event);
		if (what === null)
			return true;
		/* The browser pastes by itself when its own key is left alone, and asks nothing. */
		if (what === 'paste')
			return false;
		event.preventDefault();
		if (event.type === 'keydown')
			this.does(what);
		return false;
	}

	private bell(): void {
		document.body.classList.add('bell');
		setTimeout(() => document.body.classList.remove('bell'), BELL_TIME);
		if (document.hidden && !document.title.startsWith('* '))
			document.title = `* ${document.title}`;
	}

	private quiet(): void {
		if (!document.hidden)
			document.title = document.title.replace(/^\* /, '');
	}
}

function shortcut(event: KeyboardEvent): string | null {
	const { ctrlKey, shiftKey, altKey, metaKey, code, key } = event;
	if (altKey)
		return null;
	if (shiftKey && !ctrlKey && !metaKey && code === 'Insert')
		return 'paste';
	if (ctrlKey && !shiftKey && code === 'Insert')
		return 'copy';
	if (ctrlKey && shiftKey || metaKey)
		switch (code) {
		case 'KeyC':
			return 'copy';
		case 'KeyV':
			return 'paste';
		case 'KeyF':
			return 'find';
		}
	if (!ctrlKey && !metaKey)
		return null;
	if (key === '+' || key === '=' || code === 'NumpadAdd')
		return 'larger';
	return key === '-' && code !== 'Slash' || code === 'NumpadSubtract' ? 'smaller' : null;
}

function showFailure(words: string, again: () => void): void {
	showState('away', 'Not connected');
	showCard({
		title: 'The session could not be opened yet',
		tone: 'bad',
		words: [words],
		actions: [{ words: 'Try again', primary: true, act: () => {
			hideCard();
			again();
		} }],
	});
}

/* Spent, expired, unknown, for someone else: from outside they look the same. */
function notValid(): void {
	document.title = 'Link no longer valid';
	document.documentElement.dataset['page'] = 'bare';
	showState('ended', 'Closed');
	showCard({
		title: 'This link is no longer valid',
		tone: 'bad',
		words: ['A session link opens once and only for a short time.', 'Please ask for a new one.'],
	});
}

function notHere(): void {
	document.title = 'Session';
	document.documentElement.dataset['page'] = 'bare';
	showState('ended', 'Closed');
	showCard({
		title: 'This session is not open in this browser',
		tone: 'bad',
		words: [
			'It can only be reached from the browser that opened its link.',
			'To start another one, ask for a new link.',
		],
	});
}

function main(): void {
	followViewport();
	void forgetOld(Date.now());
	const page = new Page();
	const session = /^\/session\/([0-9a-f]{40})\/?$/i.exec(location.pathname)?.[1];
	if (session !== undefined)
		return void page.resume(session);
	const ticket = takeTicket();
	return ticket === null ? notValid() : void page.open(ticket);
}

main();
