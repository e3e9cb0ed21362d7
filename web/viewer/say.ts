// SPDX-License-Identifier: Apache-2.0
// Everything the page says outside the terminal: the card, the banner, toasts and questions.
import { type Action, buttons, element, make } from './page.ts';

export type StepState = 'done' | 'now' | 'later';

export interface Card {
	title: string;
	tone?: 'plain' | 'bad';
	words?: readonly string[];
	facts?: readonly (readonly [string, string])[];
	steps?: readonly (readonly [string, StepState])[];
	actions?: readonly Action[];
	/* A card over a terminal that still matters keeps to the foot of it. */
	low?: boolean;
}

const TOAST_TIME = 8000; /* ms */
const TOASTS_MOST = 4;

const card = element('card', HTMLElement);
const cardTitle = element('card-title', HTMLHeadingElement);
const cardBody = element('card-body', HTMLDivElement);
const cardActions = element('card-actions', HTMLDivElement);
const banner = element('banner', HTMLDivElement);
const bannerWords = element('banner-words', HTMLSpanElement);
const bannerActions = element('banner-actions', HTMLSpanElement);
const toasts = element('toasts', HTMLDivElement);

function factList(facts: Card['facts']): Node[] {
	const shown = (facts ?? []).filter(([, value]) => value !== '');
	if (shown.length === 0)
		return [];
	return [make('dl', '', ...shown.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]))];
}

function stepList(steps: Card['steps']): Node[] {
	if (steps === undefined)
		return [];
	const items = steps.map(([text, state]) => {
		const item = make('li', state, text);
		if (state === 'now')
			item.setAttribute('aria-current', 'step');
		return item;
	});
	return [make('ol', 'steps', ...items)];
}

export function showCard(shown: Card): void {
	const { title, tone = 'plain', words = [], facts, steps, actions = [], low = false } = shown;
	const made = buttons(actions);
	cardTitle.textContent = title;
	card.className = `card ${tone}${low ? ' low' : ''}`;
	cardBody.replaceChildren(...words.filter((text) => text !== '').map((text) => make('p', '', text)),
		...factList(facts), ...stepList(steps));
	cardActions.replaceChildren(...made);
	card.hidden = false;
	if (steps === undefined)
		(made.find((button) => button.className === 'primary') ?? cardTitle).focus();
}

export function hideCard(): void {
	card.hidden = true;
}

export function showBanner(words: string, ...actions: readonly Action[]): void {
	bannerWords.textContent = words;
	bannerActions.replaceChildren(...buttons(actions));
	banner.hidden = false;
}

export function hideBanner(): void {
	banner.hidden = true;
}

/* Somebody typed while nothing could be sent: say it again, visibly. */
export function stressBanner(): void {
	banner.classList.remove('stress');
	void banner.offsetWidth;
	banner.classList.add('stress');
}

export function toast(words: string, ...actions: readonly Action[]): void {
	const made = make('div', 'toast', make('span', '', words));
	const close = (): void => made.remove();
	made.append(...buttons(actions.map((action) => ({
		...action,
		act: () => {
			close();
			action.act();
		},
	}))));
	const dismiss = make('button', 'icon small', '×');
	dismiss.type = 'button';
	dismiss.setAttribute('aria-label', 'Dismiss');
	dismiss.addEventListener('click', close);
	made.append(dismiss);
	toasts.append(made);
	while (toasts.childElementCount > TOASTS_MOST)
		toasts.firstElementChild?.remove();
	setTimeout(close, actions.length > 0 ? TOAST_TIME * 3 : TOAST_TIME);
}

export interface Question {
	title: string;
	words: string;
	/* Shown as it is, in the terminal's font. */
	text?: string;
	yes: string;
	no: string;
	/* Enter alone must not do it. */
	grave?: boolean;
}

const question = element('question', HTMLDialogElement);

/* One at a time: while one is open, the answer to any other is no. */
export function ask({ title, words, text = '', yes, no, grave = false }: Question): Promise<boolean> {
	if (question.open)
		return Promise.resolve(false);
	element('question-title', HTMLHeadingElement).textContent = title;
	element('question-words', HTMLParagraphElement).textContent = words;
	const preview = element('question-text', HTMLPreElement);
	preview.textContent = text;
	preview.hidden = text === '';
	const accept = element('question-yes', HTMLButtonElement);
	const decline = element('question-no', HTMLButtonElement);
	accept.textContent = yes;
	decline.textContent = no;
	question.returnValue = '';
	question.showModal();
	(grave ? decline : accept).focus();
	return new Promise((resolve) => {
		question.addEventListener('close', () => resolve(question.returnValue === 'yes'), { once: true });
	});
}
