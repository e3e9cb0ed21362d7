// SPDX-License-Identifier: Apache-2.0
// Reloads, lost networks, gaps, floods and ends.
import { isIn, screenText, seesText } from '../lib/browser.mjs';
import { FRAME, STATE } from '../lib/page-server.mjs';
import { errors } from '../../tools/view-to-typescript.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { opened, openedAndAway, server, story, windowOn } from './world.mjs';

const EVERYTHING = 0xffffffffffffffffn;
const number = (name) => errors().find((row) => row.name === name).number;

story('page: a reloaded tab shows the same shell and goes on', async () => {
	const { page, session } = await opened();
	await page.keyboard.type('echo before\r');
	await until(async () => /\nbefore\n\$/.test(await screenText(page)), 'the answer and a prompt');
	const before = await screenText(page);
	await page.reload();
	await isIn(page, 'live');
	await until(async () => await screenText(page) === before, 'the same screen');
	assert(session.proofs.length === 2 && session.proofs[1].asked === EVERYTHING, 'a reload asks for everything');
	await page.keyboard.type('echo after\r');
	await seesText(page, 'after');
});

story('page: a lost network is told, and the session goes on where it was', async () => {
	const { page, session } = await openedAndAway('one');
	await page.waitForSelector('#banner:not([hidden])');
	assert((await page.textContent('#banner')).includes('Your session goes on'), 'the banner says so');
	await page.keyboard.type('lost');
	session.text('two\r\n');
	const at = session.offset;
	session.text('three\r\n$ ');
	server.isAway = false;
	await isIn(page, 'live', 12000);
	await seesText(page, 'three');
	assert(await page.isHidden('#banner'), 'the banner is gone');
	const proof = session.proofs.at(-1).asked;
	assert(proof < BigInt(at) && proof > 0n, `resumes from its own offset: ${proof}`);
	const text = await screenText(page);
	for (const word of ['Welcome', 'two', 'three'])
		equal(text.split(word).length, 2, `"${word}" is there once`);
	assert(!session.typed.includes('lost'), 'what was typed blindly was not sent');
});

/* Every mood the page has shown since. */
async function moodsOf(page) {
	await page.evaluate(() => {
		globalThis.moods = [];
		new MutationObserver(() => globalThis.moods.push(document.getElementById('state').dataset.state))
			.observe(document.getElementById('state'), { attributes: true });
	});
	return () => page.evaluate(() => globalThis.moods);
}

function times(text, word) {
	return text.split(word).length - 1;
}

/* Typed, and printed by the shell. */
function echoes(page, words) {
	return until(async () => times(await screenText(page), words) === 2, `${words} typed and printed`);
}

story('page: what is typed in a blink of the network arrives, once, and nothing is said of it', async () => {
	const { page, session } = await opened();
	const moods = await moodsOf(page);
	server.attachDelay = 400;
	session.drop();
	await page.keyboard.insertText('echo blink');
	await page.keyboard.press('Enter');
	await until(() => session.attaches === 2, 'a new attach');
	server.attachDelay = 0;
	await echoes(page, 'blink');
	equal(times(session.typed, 'echo blink\r'), 1, 'typed');
	assert(!(await moods()).includes('away'), `moods: ${await moods()}`);
	assert(await page.isHidden('#banner'), 'no banner');
});

story('page: what was on its way when the connection broke is sent again', async () => {
	const { page, session } = await opened();
	const [viewer] = session.viewers;
	await page.keyboard.type('echo one\r');
	await seesText(page, 'one');
	viewer.isDeaf = true;
	session.answersPings = false;
	await page.keyboard.type('echo two\r');
	await page.setViewportSize({ width: 720, height: 500 });
	await page.waitForTimeout(300);
	session.answersPings = true;
	session.drop();
	await until(() => session.attaches === 2, 'a new attach');
	await page.keyboard.type('echo three\r');
	await echoes(page, 'three');
	equal(session.typed, 'echo one\recho two\recho three\r', 'typed');
	/* The size it had asked for is not: the one it has now is. */
	await until(() => session.size.columns === session.proofs.at(-1).columns, 'the size of the window');
});

story('page: what was taken is not sent again, though nobody had said so', async () => {
	const { page, session } = await opened();
	session.answersPings = false;
	await page.keyboard.type('echo taken\r');
	await until(() => session.typed === 'echo taken\r', 'the input');
	session.drop();
	await until(() => session.attaches === 2, 'a new attach');
	session.answersPings = true;
	await page.keyboard.type('echo after\r');
	await echoes(page, 'after');
	equal(session.typed, 'echo taken\recho after\r', 'typed');
});

story('page: a connection that swallows what is typed loses none of it', async () => {
	const { page, session } = await opened();
	const [viewer] = session.viewers;
	await until(async () => (await page.textContent('#about')).includes('round trip'), 'a first answer');
	viewer.isDeaf = true;
	session.answersPings = false;
	await page.keyboard.type('echo swallowed\r');
	await until(() => session.attaches === 2, 'a new attach', 14000);
	session.answersPings = true;
	await echoes(page, 'swallowed');
	equal(session.typed, 'echo swallowed\r', 'typed');
}, { seconds: 40 });

story('page: when nobody knows what became of the last words, it says so', async () => {
	const { page, session } = await opened();
	session.answersPings = false;
	await page.keyboard.type('echo ?\r');
	await until(() => session.typed === 'echo ?\r', 'the input');
	session.taken.clear();
	session.drop();
	await page.waitForSelector('.toast >> text=may not have reached the session');
	session.answersPings = true;
	await page.keyboard.type('echo on\r');
	await echoes(page, 'on');
	equal(times(session.typed, 'echo ?'), 1, 'not sent again');
});

story('page: a renewed gateway is no loss', async () => {
	const { page, session } = await opened();
	const moods = await moodsOf(page);
	for (let i = 2; i < 6; i++) {
		for (const viewer of session.viewers)
			viewer.socket.close(1012);
		await page.keyboard.insertText(`echo renewed ${i}`);
		await page.keyboard.press('Enter');
		await until(() => session.attaches === i, 'a new attach', 1500);
		await echoes(page, `renewed ${i}`);
	}
	for (let i = 2; i < 6; i++)
		equal(times(session.typed, `echo renewed ${i}\r`), 1, 'typed');
	assert(!(await moods()).includes('away'), `moods: ${await moods()}`);
});

story('page: what is typed while the connection closes is sent by the next one', async () => {
	const { page, session } = await opened();
	const [viewer] = session.viewers;
	viewer.socket.close(1012);
	viewer.socket._socket.pause(); // the page has said goodbye too, and hears no answer: it stands there, closing
	await page.waitForTimeout(300);
	await page.keyboard.type('echo closing\r');
	viewer.socket.terminate();
	await until(() => session.attaches === 2, 'a new attach');
	await echoes(page, 'closing');
	equal(session.typed, 'echo closing\r', 'typed');
});

story('page: who leaves with words that are still unsent is asked', async () => {
	const { page, session } = await opened();
	const [viewer] = session.viewers;
	viewer.isDeaf = true;
	session.answersPings = false;
	await page.keyboard.type('echo unsent');
	await page.waitForTimeout(200);
	server.isAway = true;
	session.drop();
	await page.waitForSelector('#banner:not([hidden])');
	assert((await page.textContent('#banner')).includes('What you typed last is sent when it is back'), 'the banner');
	const asked = new Promise((done) => page.once('dialog', async (dialog) => {
		done(dialog.type());
		await dialog.dismiss();
	}));
	await page.evaluate(() => setTimeout(() => location.reload(), 0));
	equal(await asked, 'beforeunload', 'the question');
	server.isAway = false;
	session.answersPings = true;
	await isIn(page, 'live', 12000);
	await until(() => session.typed === 'echo unsent', 'the words');
}, { seconds: 30 });

story('page: "Try now" and coming back online do not wait', async () => {
	const { page, session } = await opened();
	server.isAway = true;
	session.drop();
	await page.waitForSelector('#banner:not([hidden])');
	await page.waitForTimeout(2500);
	server.isAway = false;
	const start = Date.now();
	await page.click('#banner button');
	await isIn(page, 'live');
	assert(Date.now() - start < 1500, 'at once');
});

story('page: waits grow from 0.2 to 5 seconds', async () => {
	const { page, session } = await opened();
	server.isAway = true;
	const tries = [];
	page.on('websocket', () => tries.push(Date.now()));
	session.drop();
	await page.waitForTimeout(7500);
	const waits = tries.slice(1).map((at, i) => at - tries[i]);
	server.isAway = false;
	assert(waits.length >= 3 && waits.length <= 8, `tries: ${waits}`);
	assert(waits.every((wait, i) => i === 0 || wait > waits[i - 1] * 1.1), `each wait is longer: ${waits}`);
	await isIn(page, 'live', 8000);
});

story('page: a connection that dies silently is noticed', async () => {
	const { page, session } = await opened();
	await until(async () => (await page.textContent('#about')).includes('round trip'), 'a first answer');
	session.answersPings = false;
	await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await until(() => session.attaches === 2, 'a new attach', 14000);
	session.answersPings = true;
	await isIn(page, 'live');
}, { seconds: 40 });

story('page: when older bytes are gone it starts anew and makes programs redraw', async () => {
	const { page, session } = await openedAndAway('early');
	session.text('in between\r\n');
	session.forgetBefore(session.offset);
	session.text('late\r\n$ ');
	session.inputs.length = 0;
	server.isAway = false;
	await isIn(page, 'live', 8000);
	await seesText(page, 'late');
	const text = await screenText(page);
	assert(!text.includes('early') && !text.includes('in between'), 'only what is still there');
	await until(() => {
		const rows = session.inputsOf(FRAME.RESIZE).map((payload) => payload.readUInt16LE(2));
		return rows.length >= 2 && rows.at(-2) === rows.at(-1) - 1;
	}, 'a size with one row less, and back');
	await page.keyboard.type('echo typed\r');
	await seesText(page, 'typed');
});

story('page: a flood is drawn whole, within the window, and said in time', async () => {
	const { page, session } = await opened();
	const line = `${'x'.repeat(120)}\r\n`;
	const start = Date.now();
	for (let i = 0; i < 24; i++)
		session.text(line.repeat(500));
	session.text('the end\r\n$ ');
	const attached = [...session.viewers][0];
	assert(attached.sent < session.offset, 'the window held the flood back');
	await seesText(page, 'the end', 30000);
	await until(() => session.acknowledgements.at(-1) === session.offset, 'the last byte is said to be drawn');
	const seconds = (Date.now() - start) / 1000;
	assert(session.acknowledgements.length <= seconds * 20 + session.offset / 16384 + 5, `${session.acknowledgements.length} ACKs`);
	await page.keyboard.type('echo on\r');
	await seesText(page, 'echo on');
}, { seconds: 60 });

story('page: ten thousand lines can be scrolled back', async () => {
	const { page, session } = await opened();
	session.text(Array.from({ length: 12000 }, (_, i) => `line ${i}\r\n`).join(''));
	session.text('done\r\n');
	await seesText(page, 'done', 20000);
	await page.keyboard.press('Shift+Home');
	await page.keyboard.down('Shift');
	for (let i = 0; i < 400; i++)
		await page.keyboard.press('PageUp');
	await page.keyboard.up('Shift');
	const top = Number(/line (\d+)/.exec(await screenText(page))[1]);
	assert(top > 1500 && top < 2200, `the oldest line is ${top}`);
}, { seconds: 60 });

story('page: an end is told with its reason, and there is no way back', async () => {
	const { page, session } = await opened();
	await page.keyboard.type('exit 3\r');
	await isIn(page, 'ended');
	const card = await page.textContent('#card');
	assert(card.includes('The session has ended') && /Exit status\s*3/.test(card), card);
	await page.click('#card button >> text=Look at the screen');
	await seesText(page, 'Welcome to db1.example');
	const attaches = session.attaches;
	await page.keyboard.type('more');
	await page.reload();
	await isIn(page, 'ended');
	assert((await page.textContent('#card')).includes('Exit status'), 'a reload tells it again');
	equal(session.attaches, attaches, 'and does not attach');
	assert(!session.typed.includes('more'), 'nothing is typed after the end');
});

story('page: a session that never came up says why', async () => {
	const { url, session } = server.link({}, (fresh) => fresh.state(STATE.CONNECTING));
	const page = await windowOn(url);
	await page.waitForSelector('#card:not([hidden])');
	session.ended(-number('HOST_KEY_CHANGED'), -1, '');
	await isIn(page, 'ended');
	const card = await page.textContent('#card');
	assert(card.includes('Stopped for your safety') && card.includes('The host key of the target has changed.')
		&& card.includes('administrator'), card);
});

story('page: the person ends the session from the menu, after a question', async () => {
	const { page, session } = await opened();
	await page.click('#menu-button');
	await page.click('#menu [data-does=end]');
	await page.waitForSelector('#question[open]');
	await page.keyboard.press('Enter');
	await page.waitForSelector('#question:not([open])', { state: 'attached' });
	equal(session.inputsOf(FRAME.END).length, 0, 'Enter alone ends nothing');
	await page.click('#menu-button');
	await page.click('#menu [data-does=end]');
	await page.click('#question-yes');
	await isIn(page, 'ended');
	equal(session.inputsOf(FRAME.END).length, 1, 'END frames');
});

story('page: a refusal that passes is tried again, another is final', async () => {
	const { page, session } = await opened();
	session.refusal = { why: -number('PEER_GONE'), words: 'A part of the gateway is being restarted' };
	session.drop();
	await isIn(page, 'away');
	await page.waitForTimeout(1000);
	session.refusal = null;
	await isIn(page, 'live');
	session.refusal = { why: -number('ATTACH_REFUSED'), words: 'This session cannot be opened from here' };
	session.drop();
	await isIn(page, 'ended');
	assert((await page.textContent('#card')).includes('cannot be opened from here'), 'the words of the gateway');
	session.refusal = null;
	await page.click('#card button >> text=Try again');
	await isIn(page, 'live');
});

story('page: a gateway that only refuses the upgrade is believed after a while', async () => {
	const { page, session } = await opened();
	server.isUpgrading = false;
	session.drop();
	await isIn(page, 'away');
	await isIn(page, 'ended', 40000);
	assert((await page.textContent('#card')).includes('cannot be reached from here'), 'the card');
}, { seconds: 60 });

story('page: a stream that breaks its format is not drawn but asked for again', async () => {
	const { page, session } = await opened();
	const attaches = session.attaches;
	[...session.viewers][0].socket.send(Buffer.from([0x02, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 65]));
	await until(() => session.attaches > attaches, 'a new attach');
	await isIn(page, 'live');
	await page.keyboard.type('echo well\r');
	await seesText(page, 'well');
	page.trouble.length = 0;
});

story('page: someone who watches is told of, and may not type', async () => {
	const { page, session } = await opened();
	session.put(FRAME.JOIN, [0], 'ana from 10.0.0.1');
	await page.waitForTimeout(3200);
	session.put(FRAME.JOIN, [1], 'maria from 10.0.0.7');
	await page.waitForSelector('.toast >> text=maria from 10.0.0.7 is watching');
	equal(await page.textContent('#watchers'), '2 people', 'the bar');
	session.put(FRAME.LEAVE, [1], 'maria from 10.0.0.7');
	await until(() => page.isHidden('#watchers'), 'gone again');
	session.isReadOnly = true;
	await page.reload();
	await isIn(page, 'live');
	session.inputs.length = 0;
	await page.keyboard.type('typed');
	await page.setViewportSize({ width: 700, height: 500 });
	await page.waitForTimeout(400);
	equal(session.inputs.length, 0, 'inputs of a watcher');
});
