// SPDX-License-Identifier: Apache-2.0
// Finding, sizes, colours, phones, and people who cannot see the screen.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

import { isIn, screenText, seesText } from '../lib/browser.mjs';
import { FRAME, STATE } from '../lib/page-server.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { server, story, window, windowOn } from './world.mjs';

const PHONE = { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function opened(options, onRedeem) {
	const { url, session } = server.link({}, onRedeem);
	const page = await windowOn(url, options);
	await isIn(page, 'live');
	await seesText(page, '$');
	await page.waitForTimeout(150);
	session.inputs.length = 0;
	return { page, session };
}

/* The checker is let in by the devtools, past the policy of the page. */
async function accessible(page, where) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
	const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
		.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
	equal(serious, [], 'serious faults');
}

for (const colorScheme of ['dark', 'light'])
	story(`page: no serious fault for people with assistance, ${colorScheme}`, async () => {
		const { page, session } = await opened({ colorScheme, reducedMotion: 'reduce' });
		session.text('\x1b[31mred \x1b[32mgreen \x1b[90mgrey \x1b[34mblue\x1b[0m\r\n');
		await seesText(page, 'blue');
		await accessible(page, 'live');
		await page.click('#menu-button');
		await accessible(page, 'menu');
		await page.click('#menu [data-preference=screenReader]');
		await page.keyboard.press('Escape');
		await accessible(page, 'screen reader');
		await page.keyboard.press('Control+Shift+F');
		await accessible(page, 'find');
		await page.keyboard.press('Escape');
		session.notice('Ends in 2 minutes');
		await page.click('#menu-button');
		await page.click('#menu [data-does=end]');
		await accessible(page, 'question');
		await page.click('#question-no');
		session.ended(0, 1, 'Idle for an hour');
		await isIn(page, 'ended');
		await accessible(page, 'ended');
		const slow = await windowOn(server.link({}, (fresh) => fresh.state(STATE.CONNECTING)).url, { colorScheme, reducedMotion: 'reduce' });
		await slow.waitForSelector('#card:not([hidden])');
		await slow.waitForTimeout(400);
		await accessible(slow, 'opening');
		const invalid = await windowOn(`${server.base}/modulos/auth?_sr=x`, { colorScheme, reducedMotion: 'reduce' });
		await invalid.waitForSelector('#card:not([hidden])');
		await accessible(invalid, 'no longer valid');
		const invited = await windowOn(server.link({ click: 1 }).url, { colorScheme, reducedMotion: 'reduce' });
		await invited.waitForSelector('#card:not([hidden])');
		await accessible(invited, 'invitation');
	}, { seconds: 90 });

story('page: a screen reader hears states and, when asked for, the screen', async () => {
	const { page, session } = await opened();
	equal(await page.getAttribute('#state', 'role'), 'status', 'the state is announced');
	equal(await page.getAttribute('.xterm-helper-textarea', 'aria-label'), 'Terminal input', 'the name of the input');
	await page.click('#menu-button');
	await page.click('#menu [data-preference=screenReader]');
	await page.keyboard.press('Escape');
	session.text('spoken words\r\n');
	await until(async () => (await page.textContent('.xterm-accessibility')).includes('spoken words'), 'the tree of the screen');
	await page.keyboard.type('echo heard\r');
	await seesText(page, 'heard');
});

story('page: everything can be reached by keyboard', async () => {
	const { page } = await opened();
	await page.keyboard.press('Control+Shift+F');
	equal(await page.evaluate(() => document.activeElement.id), 'find-text', 'find');
	await page.keyboard.press('Escape');
	assert(await page.evaluate(() => document.activeElement.classList.contains('xterm-helper-textarea')), 'back in the terminal');
	await page.focus('#menu-button');
	await page.keyboard.press('Enter');
	await page.keyboard.press('ArrowDown');
	equal(await page.evaluate(() => document.activeElement.dataset.does), 'paste', 'in the menu');
	await page.keyboard.press('Escape');
	assert(await page.isHidden('#menu') && await page.getAttribute('#menu-button', 'aria-expanded') === 'false', 'closed');
});

story('page: finds text in what has scrolled away', async () => {
	const { page, session } = await opened();
	session.text(Array.from({ length: 500 }, (_, i) => `line ${i}${i % 100 === 7 ? ' needle' : ''}\r\n`).join(''));
	await seesText(page, 'line 499');
	await page.keyboard.press('Control+Shift+F');
	await page.keyboard.type('needle');
	await until(async () => await page.textContent('#find-count') === '5 of 5', 'five of five');
	await seesText(page, 'line 407 needle');
	await page.click('#find-previous');
	await seesText(page, 'line 307 needle');
	equal(await page.textContent('#find-count'), '4 of 5', 'the one before');
	await page.fill('#find-text', 'NEEDLE');
	await page.click('#find-case');
	await until(async () => await page.textContent('#find-count') === 'none', 'case matters');
	await page.click('#find-close');
	equal(session.inputsOf(FRAME.KEYS).length, 0, 'nothing of it was typed');
});

story('page: font size and colours are kept for the next visit', async () => {
	const { page } = await opened();
	const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const dark = await ground();
	await page.click('#menu-button');
	await page.click('#menu [data-theme=light]');
	await page.click('#menu [data-does=larger]');
	await page.click('#menu [data-does=larger]');
	equal(await page.textContent('#font-size'), '16', 'the size');
	const light = await ground();
	assert(light !== dark, 'other colours');
	await page.reload();
	await isIn(page, 'live');
	equal([await ground(), await page.textContent('#font-size')], [light, '16'], 'after a reload');
	await page.evaluate(() => localStorage.setItem('sallyport', '{"fontSize":"big","theme":"<x>","copyOnSelect":7,"nothing":1}'));
	await page.reload();
	await isIn(page, 'live');
	equal([await ground(), await page.textContent('#font-size')], [dark, '14'], 'nonsense in the storage is not believed');
});

story('page: it follows the system between dark and light', async () => {
	const { page } = await opened();
	await page.emulateMedia({ colorScheme: 'light' });
	await until(async () => await page.evaluate(() => getComputedStyle(document.querySelector('.xterm-scrollable-element')).backgroundColor)
		=== 'rgb(251, 251, 249)', 'the terminal too');
});

story('page: the bell is seen, and marks a tab in the background', async () => {
	const { page, session } = await opened();
	session.text('\x07');
	await page.waitForSelector('body.bell', { timeout: 3000 });
	await page.waitForSelector('body:not(.bell)');
});

story('page: on a phone the special keys are there, and Ctrl holds for one key', async () => {
	const { page, session } = await opened(PHONE);
	session.onInput = () => undefined;
	const press = (words) => page.tap(`#keys button >> text="${words}"`);
	await press('Esc');
	await press('Tab');
	await page.tap('#keys [data-key=ArrowUp]');
	await press('Ctrl');
	equal(await page.getAttribute('#keys [data-modifier=ctrl]', 'aria-pressed'), 'true', 'Ctrl is held');
	await page.keyboard.insertText('c');
	await page.keyboard.insertText('c');
	await press('Ctrl');
	await page.tap('#keys [data-key=ArrowRight]');
	await press('Alt');
	await page.keyboard.insertText('f');
	await press('|');
	await until(() => session.inputs.length >= 8, 'all keys');
	equal(session.inputsOf(FRAME.KEYS).map(String), ['\x1b', '\t', '\x1b[A', '\x03', 'c', '\x1b[1;5C', '\x1bf', '|'], 'frames');
	equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the phone');
});

story('page: on a phone a finger scrolls', async () => {
	const { page, session } = await opened(PHONE);
	session.text(Array.from({ length: 200 }, (_, i) => `line ${i}\r\n`).join(''));
	await seesText(page, 'line 199');
	const devtools = await page.context().newCDPSession(page);
	const touch = (type, y) => devtools.send('Input.dispatchTouchEvent',
		{ type, touchPoints: type === 'touchEnd' ? [] : [{ x: 200, y }] });
	await touch('touchStart', 300);
	for (let y = 300; y <= 640; y += 20)
		await touch('touchMove', y);
	await touch('touchEnd');
	await until(async () => !(await screenText(page)).includes('line 199'), 'the end has scrolled out');
	equal(session.inputsOf(FRAME.KEYS).length, 0, 'nothing was typed by it');
	session.text('\x1b[?1049h\x1b[Hpager\r\n');
	await seesText(page, 'pager');
	await touch('touchStart', 500);
	await touch('touchMove', 460);
	await touch('touchEnd');
	await until(() => session.inputsOf(FRAME.KEYS).length > 0, 'a pager turns');
	assert(session.inputsOf(FRAME.KEYS).every((payload) => payload.toString() === '\x1b[B'), `downwards: ${JSON.stringify(session.inputsOf(FRAME.KEYS).map(String))}`);
});

story('page: the keyboard of a phone shrinks the terminal, the prompt stays visible', async () => {
	const { page, session } = await opened(PHONE);
	await page.setViewportSize({ width: 390, height: 420 });
	await until(() => session.inputsOf(FRAME.RESIZE).length > 0, 'fewer rows');
	const bottom = await page.evaluate(() => document.querySelector('#keys').getBoundingClientRect().bottom);
	assert(bottom <= 420, `the keys end at ${bottom}`);
});

story('page: opens without a shift of its layout', async () => {
	const { url } = server.link();
	const page = await window();
	await page.addInitScript(() => {
		globalThis.shift = 0;
		new PerformanceObserver((list) => {
			for (const entry of list.getEntries())
				globalThis.shift += entry.value;
		}).observe({ type: 'layout-shift', buffered: true });
	});
	await page.goto(url);
	await isIn(page, 'live');
	await page.waitForTimeout(500);
	const shift = await page.evaluate(() => globalThis.shift);
	assert(shift < 0.02, `layout shift ${shift}`);
});

story('page: true colours and styles are drawn without inline styles in the markup', async () => {
	const { page, session } = await opened();
	session.text('\x1b[38;2;10;200;30mgreenish\x1b[0m \x1b[48;2;1;2;3mback\x1b[0m\r\n');
	await seesText(page, 'greenish');
	const colour = await page.evaluate(() => getComputedStyle([...document.querySelectorAll('.xterm-rows span')]
		.find((span) => span.textContent.includes('greenish'))).color);
	equal(colour, 'rgb(10, 200, 30)', 'the colour');
});
