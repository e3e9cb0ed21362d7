// SPDX-License-Identifier: Apache-2.0
// Where the stream does not continue what the page has: late, back after long, or too slow.
import { isIn, screenText, seesText } from '../lib/browser.mjs';
import { FRAME, STATE } from '../lib/page-server.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { opened as live, openedAndAway, server, story, windowOn } from './world.mjs';

async function opened() {
	const it = await live();
	await seesText(it.page, 'Welcome to');
	return it;
}

const attached = (session) => [...session.viewers][0];

/* The page is not sent the first, and goes on with the second. */
function leavesOut(session, lost, screen) {
	const viewer = attached(session);
	viewer.holds = true;
	session.text(lost);
	viewer.skip();
	viewer.holds = false;
	session.keyframe(screen, session.proofs[0]);
}

const marks = async (page) => (await screenText(page)).split('\n').filter((line) => line.includes('not shown'));

async function seesAbove(page, ...words) {
	await page.keyboard.press('Shift+PageUp');
	for (const word of words)
		await seesText(page, word);
	await page.keyboard.press('Shift+PageDown');
}

story('page: a tab that comes late begins with the keyframe', async () => {
	const { page, session } = await opened();
	session.text('long gone\r\n');
	session.forgetBefore(session.offset);
	const size = session.proofs[0];
	session.keyframe('\x1b[?1049h\x1b[3;5H\x1b[1;32mthe editor\x1b[m\x1b[?1h', { columns: size.columns, rows: size.rows, parts: 3 });
	session.text('\r\nand more');
	session.inputs.length = 0;
	await page.reload();
	await isIn(page, 'live');
	await seesText(page, 'and more');
	const lines = (await screenText(page)).split('\n');
	equal(lines.slice(0, 4), ['', '', '    the editor', 'and more'], 'the screen');
	equal(await marks(page), [], 'nothing else is on it');
	assert(await page.isHidden('#skipped'), 'who comes late has missed nothing');
	await page.keyboard.press('ArrowUp');
	await until(() => session.typed === '\x1bOA', 'a key as the program wants it');
	const sizes = session.inputsOf(FRAME.RESIZE).map((payload) => payload.readUInt16LE(2));
	assert(sizes.every((rows) => rows === size.rows), `no program is made to redraw: ${sizes}`);
});

story('page: the state comes with the keyframe', async () => {
	const { url, session } = server.link({}, (fresh) => {
		fresh.state(STATE.CONNECTING);
		fresh.forgetBefore(fresh.offset);
		fresh.keyframe('not yet', { state: STATE.LOGGING_IN });
	});
	const page = await windowOn(url);
	await isIn(page, 'waiting');
	session.state(STATE.LIVE);
	await isIn(page, 'live');
});

story('page: what it could not be sent in time is left out, and said', async () => {
	const { page, session } = await opened();
	await page.keyboard.type('echo before\r');
	await seesText(page, 'before');
	leavesOut(session, `${'a flood that nobody sees\r\n'.repeat(60000)}\x1b[2J\x1b[Hafter\r\n$ `, 'after\r\n$ ');
	await seesText(page, 'after');
	equal((await screenText(page)).split('\n').slice(0, 3), ['after', '$', ''], 'the true screen');
	await page.waitForSelector('#skipped:not([hidden])');
	equal(await page.textContent('#skipped'), '1.6 MB not shown', 'the quiet line');
	await seesAbove(page, 'before', '--- 1.6 MB not shown ---');
	await page.keyboard.type('echo typed\r');
	await seesText(page, 'typed');
	await until(() => session.acknowledgements.at(-1) === session.offset, 'all of it is said to be drawn');
});

story('page: two skips in a row, with the second on its way while the first is drawn', async () => {
	const { page, session } = await opened();
	for (const words of ['first', 'second', 'third']) {
		leavesOut(session, 'x'.repeat(1000), `${words}\r\n$ `);
		session.text(`typed after ${words}`);
	}
	await seesText(page, 'typed after third');
	equal((await screenText(page)).split('\n').slice(0, 3), ['third', '$ typed after third', ''], 'the true screen');
	equal(await page.textContent('#skipped'), '3.0 kB not shown', 'the sum');
});

story('page: a screen that was full of modes is clean for the keyframe', async () => {
	const { page, session } = await opened();
	session.text('\x1b[?1049h\x1b[5;9r\x1b[?6h\x1b[?1h\x1b[?2004h\x1b[?1000h\x1b[?25l\x1b[4h\x1b(0\x1b[31;7m\x1b[3gqqqq\x1b7\x1b]0;cut');
	leavesOut(session, 'lost', 'a\tb qqqq\r\n$ ');
	await seesText(page, 'qqqq');
	equal((await screenText(page)).split('\n').slice(0, 2), ['a       b qqqq', '$'], 'the true screen');
	await page.keyboard.press('ArrowUp');
	await until(() => session.typed === '\x1b[A', 'keys as nobody changed them');
});

story('page: a keyframe that it does not need changes nothing', async () => {
	const { page, session } = await opened();
	session.keyframe('\x1b[2Jsomething else', { parts: 2 });
	session.text('on\r\n');
	await seesText(page, '$ on');
	const text = await screenText(page);
	assert(text.includes('Welcome to db1.example') && !text.includes('something else'), text);
	await until(() => session.acknowledgements.at(-1) === session.offset, 'it is counted');
});

story('page: back after too long, it keeps what it has shown and goes on with the keyframe', async () => {
	const { page, session } = await openedAndAway('early');
	session.text('in between\r\n'.repeat(1000));
	session.forgetBefore(session.offset);
	session.keyframe('late\r\n$ ', session.proofs[0]);
	server.isAway = false;
	await isIn(page, 'live', 8000);
	await seesText(page, 'late');
	equal((await screenText(page)).split('\n').slice(0, 2), ['late', '$'], 'the true screen');
	equal(await page.textContent('#skipped'), '12 kB not shown', 'the quiet line');
	await seesAbove(page, 'early');
});

story('page: words to someone who will not see them in the stream', async () => {
	const { page, session } = await opened();
	attached(session).tell('The gateway will be restarted at noon');
	await page.waitForSelector('.toast >> text=The gateway will be restarted at noon.');
});

story('page: a character that comes in two frames is one character', async () => {
	const { page, session } = await opened();
	const word = Buffer.from('日本、語 – ok');
	for (const byte of word)
		session.put(FRAME.TEXT, [byte]);
	await seesText(page, '日本、語 – ok');
});
