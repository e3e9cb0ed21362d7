// SPDX-License-Identifier: Apache-2.0
// One session in this tab: from the accepted link to its end, told in words.
import { ERROR, ERROR_TEXT, STATE } from '#view';

import { getSigned32, words } from '../lib/bytes.ts';
import { Attachment, type Welcome } from './attachment.ts';
import { type Ending, keep, type Kept } from './keyring.ts';
import { element } from './page.ts';
import { hideBanner, hideCard, showBanner, showCard, type StepState, stressBanner, toast } from './say.ts';
import { amount, type Screen, type Witness } from './screen.ts';

const CARD_PATIENCE = 250; /* ms before a session that is not there yet gets a card */
const SILENCE = 4000; /* ms of a live session without any output */
const BLINK = 1000; /* ms a connection may be away before it is spoken of */
const SHORT_WAIT = 300; /* ms: the next try may well make it a blink */
const SKIPPED_TIME = 20000; /* ms after the last skip */
const JOIN_QUIET = 3000; /* ms after attaching in which our own arrival is not news */

const DOUBT = 'What you typed last may not have reached the session.';

export type Mood = 'opening' | 'waiting' | 'live' | 'away' | 'ended';

const state = element('state', HTMLParagraphElement);
const stateWords = element('state-words', HTMLSpanElement);

export function showState(mood: Mood, said: string): void {
	state.dataset['state'] = mood;
	if (stateWords.textContent !== said)
		stateWords.textContent = said;
}

export function accountAt({ username, user, device }: Kept['facts']): string {
	return `${username || user}@${device}`;
}

export function showFacts(kept: Kept): void {
	const { facts } = kept;
	document.title = `${accountAt(facts)} - ${facts.protocol}`;
	element('where', HTMLSpanElement).textContent = accountAt(facts);
	element('protocol', HTMLSpanElement).textContent = facts.protocol;
	element('who', HTMLParagraphElement).textContent =
		facts.application === '' ? facts.user : `${facts.user} through ${facts.application}`;
	element('recorded', HTMLParagraphElement).hidden = !facts.recorded;
}

/* Sentences end with a stop; texts from the tables do not. */
function sentence(text: string): string {
	return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

function why(ending: Ending): string[] {
	const known = ending.why === 0 ? '' : ERROR_TEXT[-ending.why as keyof typeof ERROR_TEXT] ?? '';
	const said = [sentence(known), sentence(ending.words)];
	return said.filter((text, i) => text !== '' && said.indexOf(text) === i);
}

function endingTitle(ending: Ending): string {
	if (ending.why === -ERROR.HOST_KEY_CHANGED)
		return 'Stopped for your safety';
	return ending.wasLive ? 'The session has ended' : 'The session could not be opened';
}

export function showEnding(kept: Kept, ending: Ending, mayLook: boolean): void {
	const reasons = why(ending);
	const advice = ending.why === -ERROR.HOST_KEY_CHANGED
		? 'No credential was sent. Please tell your administrator.'
		: ending.wasLive ? '' : 'To try again, ask for a new link.';
	showState('ended', 'Ended');
	hideBanner();
	showCard({
		title: endingTitle(ending),
		tone: ending.why === 0 ? 'plain' : 'bad',
		words: [...reasons, advice],
		facts: [
			['Session', accountAt(kept.facts)],
			['Exit status', ending.exitStatus >= 0 ? String(ending.exitStatus) : ''],
		],
		low: mayLook,
		actions: [
			...(mayLook ? [{ words: 'Look at the screen', act: hideCard }] : []),
			{ words: 'Close this tab', primary: true, act: () => closeTab() },
		],
	});
}

/* Browsers close only tabs that a script opened; the person closes the others. */
function closeTab(): void {
	window.close();
	setTimeout(() => toast('Please close this tab yourself.'), 200);
}

export class Session implements Witness {
	private readonly attachment: Attachment;
	private wasLive = false;
	private shown: number = 0;
	private detail = '';
	private cardTimer = 0;
	private silenceTimer = 0;
	private attachedAt = 0;
	private people = 0;
	private lostAt = 0;
	private blinkTimer = 0;
	private notShown = 0;
	private skippedTimer = 0;
	private isOver = false;

	constructor(
		private readonly kept: Kept,
		key: CryptoKey,
		private readonly screen: Screen,
		isFirst: boolean,
	) {
		const listener = {
			offset: () => screen.offset,
			size: () => screen.size,
			trying: () => this.trying(),
			welcome: (welcome: Welcome) => this.welcomed(welcome),
			live: (edge: number) => screen.live(edge),
			frame: screen.frame.bind(screen),
			skip: screen.skip.bind(screen),
			told: (payload: Uint8Array) => this.notice(payload),
			lost: (wait: number) => this.lost(wait),
			roundTrip: (milliseconds: number) => this.roundTrip(milliseconds),
			doubtful: () => toast(DOUBT),
			refused: (reason: string) => this.refused(reason),
		};
		this.attachment = new Attachment(kept.facts.session, key, listener);
		screen.attachment = this.attachment;
		if (isFirst)
			screen.answerEverything();
	}

	start(): void {
		this.cardTimer = setTimeout(() => this.showSteps(), CARD_PATIENCE);
		this.attachment.start();
	}

	/* Says anew how far away the gateway is. */
	measure(): void {
		this.attachment.hurry();
	}

	end(): void {
		if (!this.screen.sendEnd())
			toast('The session is not connected right now.');
	}

	state(state: number, payload: Uint8Array): void {
		this.shown = state;
		this.detail = words(payload);
		if (state === STATE.LIVE)
			return this.live();
		if (state === STATE.OVER)
			return showState('waiting', this.detail || 'Ending');
		this.showProgress();
		if (this.cardTimer === 0)
			this.showSteps();
	}

	notice(payload: Uint8Array): void {
		toast(sentence(words(payload)));
	}

	ended(payload: Uint8Array): void {
		const ending: Ending = {
			why: getSigned32(payload, 0),
			exitStatus: getSigned32(payload, 4),
			words: words(payload.subarray(8)),
			wasLive: this.wasLive,
		};
		this.over(ending);
	}

	joined(payload: Uint8Array): void {
		this.people++;
		this.showWatchers();
		if (performance.now() - this.attachedAt > JOIN_QUIET)
			toast(`${words(payload.subarray(1))} ${payload[0] === 1 ? 'is watching' : 'joined'}.`);
	}

	left(payload: Uint8Array): void {
		this.people = Math.max(0, this.people - 1);
		this.showWatchers();
		if (performance.now() - this.attachedAt > JOIN_QUIET)
			toast(`${words(payload.subarray(1))} left.`);
	}

	present(people: number): void {
		this.people = people;
		this.showWatchers();
	}

	/* Quietly: while a flood lasts, only its sum. */
	missed(bytes: number): void {
		const place = element('skipped', HTMLParagraphElement);
		this.notShown += bytes;
		place.textContent = `${amount(this.notShown)} not shown`;
		place.title = 'The target printed more than could be sent to this page in time.'
			+ (this.kept.facts.recorded ? ' The recording has all of it.' : '');
		place.hidden = false;
		clearTimeout(this.skippedTimer);
		this.skippedTimer = setTimeout(() => {
			place.hidden = true;
			this.notShown = 0;
		}, SKIPPED_TIME);
	}

	drawn(): void {
		clearTimeout(this.silenceTimer);
		if (this.wasLive)
			showState('live', 'Live');
	}

	unsent(): void {
		stressBanner();
	}

	private trying(): void {
		if (this.lostAt === 0 && !this.wasLive)
			showState('opening', 'Opening');
	}

	private welcomed(welcome: Welcome): void {
		this.attachedAt = performance.now();
		this.lostAt = 0;
		clearTimeout(this.blinkTimer);
		hideBanner();
		/* JOIN and LEAVE are in the stream: a replay from the start counts again. */
		if (this.screen.offset !== welcome.start)
			this.people = 0;
		this.screen.welcome(welcome);
		if (this.wasLive)
			this.live();
		else
			this.showProgress();
		if (welcome.readOnly)
			toast('You are watching. What you type is not sent.');
	}

	private live(): void {
		clearTimeout(this.cardTimer);
		hideCard();
		if (!this.wasLive)
			this.screen.terminal.focus();
		this.wasLive = true;
		showState('live', 'Live');
		if (!this.screen.hasText)
			this.silenceTimer = setTimeout(() => showState('live', 'Live, nothing printed yet'), SILENCE);
	}

	private showProgress(): void {
		const { facts } = this.kept;
		if (this.shown === STATE.CONNECTING)
			showState('waiting', `Connecting to ${facts.device}`);
		else if (this.shown === STATE.LOGGING_IN)
			showState('waiting', `Logging in to ${facts.device}`);
	}

	/* Only for those who wait: a session that opens at once needs no card. */
	private showSteps(): void {
		this.cardTimer = 0;
		if (this.wasLive || this.isOver)
			return;
		const { facts } = this.kept;
		const step = (state: number): StepState =>
			this.shown === state || this.shown === 0 && state === STATE.CONNECTING ? 'now'
				: this.shown > state ? 'done' : 'later';
		showCard({
			title: 'Opening your session',
			words: this.detail === '' ? [] : [sentence(this.detail)],
			steps: [
				['Link accepted', 'done'],
				[`Connecting to ${facts.device}`, step(STATE.CONNECTING)],
				[facts.username === '' ? 'Logging in' : `Logging in as ${facts.username}`,
					step(STATE.LOGGING_IN)],
			],
		});
	}

	/* A blink of the network is not spoken of, and typing goes on in it. */
	private lost(wait: number): void {
		clearTimeout(this.silenceTimer);
		if (this.lostAt === 0)
			this.blinkTimer = setTimeout(() => this.away(0), BLINK);
		this.lostAt ||= performance.now();
		if (wait >= SHORT_WAIT)
			this.away(wait);
	}

	private away(wait: number): void {
		clearTimeout(this.blinkTimer);
		this.attachment.holds = false;
		showState('away', 'Reconnecting');
		const seconds = Math.ceil(wait / 1000);
		const next = wait === 0 ? 'trying again' : `trying again in ${seconds} s`;
		const typed = this.attachment.isDoubtful ? ' What you typed last is sent when it is back.' : '';
		showBanner(`Connection lost. Your session goes on; ${next}.${typed}`,
			{ words: 'Try now', act: () => this.attachment.hurry() });
	}

	/* Not an end: another network, or a gateway that is back, may let this browser in again. */
	private refused(reason: string): void {
		const doubt = this.attachment.isDoubtful ? [DOUBT] : [];
		this.stop();
		showState('ended', 'Disconnected');
		hideBanner();
		showCard({
			title: 'This session cannot be reached from here',
			tone: 'bad',
			words: [sentence(reason), 'It may have ended, or it may not be open to this browser.', ...doubt],
			facts: [['Session', accountAt(this.kept.facts)]],
			low: this.screen.hasText,
			actions: [
				...(this.screen.hasText ? [{ words: 'Look at the screen', act: hideCard }] : []),
				{ words: 'Try again', primary: true, act: () => location.reload() },
			],
		});
	}

	private over(ending: Ending): void {
		if (this.attachment.isDoubtful)
			toast(DOUBT);
		this.kept.ending = ending;
		this.kept.key = null;
		void keep(this.kept);
		this.screen.acknowledge();
		this.stop();
		showEnding(this.kept, ending, this.screen.hasText);
	}

	private stop(): void {
		clearTimeout(this.cardTimer);
		clearTimeout(this.silenceTimer);
		clearTimeout(this.blinkTimer);
		this.isOver = true;
		document.documentElement.dataset['page'] = 'over';
		this.attachment.stop();
		this.screen.terminal.options.cursorBlink = false;
		this.screen.terminal.options.disableStdin = true;
	}

	private roundTrip(milliseconds: number): void {
		const shown = milliseconds < 10 ? milliseconds.toFixed(1) : String(Math.round(milliseconds));
		element('about', HTMLParagraphElement).textContent =
			`Gateway round trip ${shown} ms. Session ${this.kept.facts.session.slice(0, 8)}.`;
	}

	private showWatchers(): void {
		const place = element('watchers', HTMLParagraphElement);
		place.hidden = this.people < 2;
		place.textContent = `${this.people} people`;
	}
}
