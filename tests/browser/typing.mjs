// SPDX-License-Identifier: Apache-2.0
// Keys, composed text, mice, pastes and sizes on their way to the target.
import { isIn, screenText, seesText } from '../lib/browser.mjs';
import { FRAME } from '../lib/page-server.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { server, story, windowOn } from './world.mjs';

async function opened(options, quiet = true) {
	const { url, session } = server.link();
	const page = await windowOn(url, options);
	await isIn(page, 'live');
	await seesText(page, '$');
	await page.waitForTimeout(150);
	session.inputs.length = 0;
	if (quiet)
		session.onInput = () => undefined;
	return { page, session };
}

const keys = (session) => session.inputsOf(FRAME.KEYS).map((payload) => payload.toString());

async function paste(page, text) {
	await page.evaluate((pasted) => {
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', pasted);
		document.querySelector('.xterm-helper-textarea').dispatchEvent(
			new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
	}, text);
}

async function says(page, session, sequence) {
	session.text(`${sequence}\r\nsaid\r\n`);
	await seesText(page, 'said');
	await page.waitForTimeout(50);
	session.inputs.length = 0;
}

story('page: every key leaves at once, in a frame of its own', async () => {
	const { page, session } = await opened();
	for (const key of ['a', 'B', ' ', 'Enter', 'Tab', 'Backspace', 'Escape', 'Control+c', 'Control+z', 'Alt+x', 'ArrowUp', 'F5', 'Delete', 'PageDown'])
		await page.keyboard.press(key);
	await until(() => session.inputs.length >= 14, 'all keys');
	equal(keys(session), ['a', 'B', ' ', '\r', '\t', '\x7f', '\x1b', '\x03', '\x1a', '\x1bx', '\x1b[A', '\x1b[15~', '\x1b[3~', '\x1b[6~'], 'frames');
});

story('page: arrows follow the mode a program asked for', async () => {
	const { page, session } = await opened();
	await says(page, session, '\x1b[?1h');
	await page.keyboard.press('ArrowLeft');
	await until(() => session.inputs.length === 1, 'a key');
	equal(keys(session), ['\x1bOD'], 'application mode');
});

story('page: composed text, accents and emoji arrive whole', async () => {
	const { page, session } = await opened();
	await page.keyboard.insertText('ção');
	await page.keyboard.insertText('🚀');
	const devtools = await page.context().newCDPSession(page);
	await devtools.send('Input.imeSetComposition', { text: 'に', selectionStart: 1, selectionEnd: 1 });
	await devtools.send('Input.imeSetComposition', { text: 'にほ', selectionStart: 2, selectionEnd: 2 });
	equal(keys(session).join('').includes('に'), false, 'nothing leaves while composing');
	await devtools.send('Input.insertText', { text: '日本' });
	await until(() => keys(session).join('').includes('日本'), 'the composed text');
	equal(keys(session).join(''), 'ção🚀日本', 'all of it, once');
});

story('page: wide characters and emoji take the columns programs count', async () => {
	const { page, session } = await opened();
	for (const [text, column] of [['日本', 5], ['🚀', 3], ['é', 2], ['e\u0301', 2], ['👩', 3]]) {
		session.inputs.length = 0;
		session.text(`\r\x1b[K${text}\x1b[6n`);
		await until(() => session.inputsOf(FRAME.REPORT).length === 1, 'a report');
		equal(session.inputsOf(FRAME.REPORT)[0].readUInt16LE(4), column, `the column after ${text}`);
	}
});

story('page: a mouse program gets the mouse', async () => {
	const { page, session } = await opened();
	await page.mouse.click(200, 200);
	equal(session.inputs.length, 0, 'not before it asked');
	await says(page, session, '\x1b[?1000;1006h');
	await page.mouse.click(14, 60);
	await until(() => session.inputs.length >= 2, 'press and release');
	assert(/^\x1b\[<0;1;\dM$/.test(keys(session)[0]) && /^\x1b\[<0;1;\dm$/.test(keys(session)[1]), JSON.stringify(keys(session)));
	await says(page, session, '\x1b[?1006l');
	await page.mouse.click(14 + 8 * 110, 60);
	await until(() => session.inputs.length >= 1, 'the old kind');
	const first = session.inputsOf(FRAME.KEYS)[0];
	assert(first.length === 6 && first[0] === 0x1b && first[4] > 0x7f, `one byte each: ${first.toString('hex')}`);
});

story('page: the wheel turns pages of a full-screen program', async () => {
	const { page, session } = await opened();
	await says(page, session, '\x1b[?1049h');
	await page.mouse.move(300, 300);
	await page.mouse.wheel(0, 100);
	await until(() => session.inputs.length > 0, 'keys');
	assert(keys(session).every((key) => key === '\x1b[B'), JSON.stringify(keys(session)));
});

story('page: a paste is one frame, lines end as Enter ends them', async () => {
	const { page, session } = await opened();
	await paste(page, 'one word');
	await until(() => session.inputs.length === 1, 'a paste');
	equal(session.inputsOf(FRAME.PASTE).map(String), ['one word'], 'plain');
	await says(page, session, '\x1b[?2004h');
	await paste(page, 'a\r\nb\nc\td');
	await until(() => session.inputs.length === 1, 'a paste');
	equal(session.inputsOf(FRAME.PASTE).map(String), ['\x1b[200~a\rb\rc\td\x1b[201~'], 'bracketed');
});

story('page: pasted text cannot leave its bracket or press hidden keys', async () => {
	const { page, session } = await opened();
	await says(page, session, '\x1b[?2004h');
	await paste(page, 'ls\x1b[201~\rrm -rf ~\r\x03\u009b201~\x7f\0');
	await until(() => session.inputs.length === 1, 'a paste');
	equal(session.inputsOf(FRAME.PASTE).map(String), ['\x1b[200~ls[201~\rrm -rf ~\r201~\x1b[201~'], 'what arrives');
});

story('page: several lines are asked about where each would run', async () => {
	const { page, session } = await opened();
	await paste(page, 'cd /\nrm x\n');
	await page.waitForSelector('#question[open]');
	equal(await page.textContent('#question-title'), 'Paste 2 lines?', 'the question');
	await page.click('#question-no');
	await page.waitForTimeout(100);
	equal(session.inputs.length, 0, 'nothing was sent');
	await paste(page, 'cd /\nrm x\n');
	await page.click('#question-yes');
	await until(() => session.inputs.length === 1, 'now it is');
	equal(session.inputsOf(FRAME.PASTE).map(String), ['cd /\rrm x\r'], 'the lines');
});

story('page: a large paste is cut into frames, a huge one refused', async () => {
	const { page, session } = await opened();
	await says(page, session, '\x1b[?2004h');
	await paste(page, 'y'.repeat(200000));
	await until(() => session.typed.length === 200012, 'all of it');
	assert(session.inputsOf(FRAME.PASTE).every((payload) => payload.length <= 65536), 'frames');
	session.inputs.length = 0;
	await paste(page, 'z'.repeat(1100000));
	await page.waitForSelector('.toast >> text=too much');
	equal(session.inputs.length, 0, 'refused');
});

story('page: Ctrl+Shift+C, selecting and Ctrl+Shift+V use the clipboard', async () => {
	const { page, session } = await opened({ permissions: ['clipboard-read', 'clipboard-write'] });
	session.text('\x1b[2J\x1b[Hcopyable words\r\n');
	await seesText(page, 'copyable');
	const read = () => page.evaluate(() => navigator.clipboard.readText());
	const box = await page.locator('.xterm-screen').boundingBox();
	await page.mouse.dblclick(box.x + 20, box.y + 8);
	await until(async () => await read() === 'copyable', 'selecting copies');
	await page.evaluate(() => navigator.clipboard.writeText(''));
	await page.keyboard.press('Control+Shift+C');
	await until(async () => await read() === 'copyable', 'the key copies');
	equal(session.inputs.length, 0, 'nothing of it was typed');
	await page.keyboard.press('Control+Shift+V');
	await until(() => session.inputs.length === 1, 'a paste');
	equal(session.inputsOf(FRAME.PASTE).map(String), ['copyable'], 'pasted');
	await page.click('#menu-button');
	await page.click('#menu [data-does=paste]');
	await until(() => session.inputs.length === 2, 'by the menu too');
	await page.click('#menu-button');
	await page.click('#menu [data-does=copy-screen]');
	await until(async () => (await read()).includes('copyable words'), 'the whole screen');
});

story('page: the window decides the size, told when it holds still', async () => {
	const { page, session } = await opened({}, false);
	for (let width = 990; width >= 800; width -= 10)
		await page.setViewportSize({ width, height: 500 });
	await until(() => session.inputsOf(FRAME.RESIZE).length > 0, 'a size');
	await page.waitForTimeout(400);
	const sizes = session.inputsOf(FRAME.RESIZE).map((payload) => [payload.readUInt16LE(0), payload.readUInt16LE(2)]);
	assert(sizes.length <= 8, `not one for each step: ${sizes.length}`);
	const rows = await page.evaluate(() => document.querySelector('.xterm-rows').childElementCount);
	equal(sizes.at(-1)[1], rows, 'rows as drawn');
	assert(sizes.at(-1)[0] < 95 && sizes.at(-1)[0] > 80, `columns ${sizes.at(-1)[0]}`);
	session.inputs.length = 0;
	await page.keyboard.press('Control+=');
	await page.keyboard.press('Control+=');
	await until(() => session.inputsOf(FRAME.RESIZE).length > 0, 'a larger font has fewer columns');
	await page.waitForTimeout(200);
	assert(session.inputsOf(FRAME.RESIZE).at(-1).readUInt16LE(0) < sizes.at(-1)[0], 'fewer');
	equal(session.inputsOf(FRAME.KEYS).length, 0, 'the keys for it are not typed');
});

story('page: a size that someone else chose is shown as it is', async () => {
	const { page, session } = await opened({}, false);
	session.sized(40, 10);
	await until(async () => await page.evaluate(() => document.querySelector('.xterm-rows').childElementCount) === 10, 'ten rows');
	equal(session.inputsOf(FRAME.RESIZE).length, 0, 'no fight over the size');
	await page.setViewportSize({ width: 900, height: 500 });
	await until(() => session.inputsOf(FRAME.RESIZE).length === 1, 'my window changed: mine again');
});

story('page: what was replayed at another size ends at the size of the window', async () => {
	const { page, session } = await opened({}, false);
	await page.reload({ waitUntil: 'commit' });
	await page.setViewportSize({ width: 640, height: 400 });
	await isIn(page, 'live');
	await until(async () => {
		const rows = await page.evaluate(() => document.querySelector('.xterm-rows').childElementCount);
		return session.size?.rows === rows && rows < 30;
	}, 'target and window agree');
	await page.keyboard.type('echo fits\r');
	await seesText(page, 'fits');
	assert((await screenText(page)).includes('Welcome'), 'the text is still there');
});
