// SPDX-License-Identifier: Apache-2.0
// What a target prints never types: of everything a terminal could answer, only the fixed reports leave.
import { frames, enumeration } from '../../tools/view-to-typescript.mjs';
import { isIn, seesText } from '../lib/browser.mjs';
import { ESCAPES } from '../lib/escapes.mjs';
import { FRAME } from '../lib/page-server.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { server, story, windowOn } from './world.mjs';

const REPORT = Object.fromEntries(enumeration('view_report').map(([name, value]) => [name.replace('REPORT_', ''), value]));

function report(payload) {
	equal(payload.length, 8, 'length of a report');
	assert(payload[1] === 0 && payload.readUInt16LE(6) === 0, 'reserved bytes of a report');
	return [payload[0], payload.readUInt16LE(2), payload.readUInt16LE(4)];
}

async function opened() {
	const { url, session } = server.link();
	const page = await windowOn(url);
	await isIn(page, 'live');
	await seesText(page, '$');
	await page.waitForTimeout(200);
	session.inputs.length = 0;
	return { page, session };
}

/* Everything before it has been read by the terminal when this text is there. */
async function settled(page, session, mark) {
	session.text(`\x1b\\\x18\x1b[?1049l\r\n${mark}\r\n`);
	await seesText(page, mark);
	await page.waitForTimeout(50);
}

story('page: more than 200 sequences of a target, and not one byte typed', async () => {
	assert(new Set(ESCAPES).size >= 200, `${new Set(ESCAPES).size} sequences`);
	const { page, session } = await opened();
	const known = new Set(frames().filter(({ type }) => type >= 0x40 && type < 0x80).map(({ type }) => type));
	for (const [i, escape] of ESCAPES.entries()) {
		session.text(escape);
		if (i % 40 === 39)
			await settled(page, session, `mark-${i}`);
	}
	await settled(page, session, 'all-read');
	await page.mouse.move(300, 300);
	await page.evaluate(() => document.activeElement.blur());
	await page.evaluate(() => document.querySelector('.xterm-helper-textarea').focus());
	await page.waitForTimeout(300);
	const left = session.inputs.filter(({ type }) => type !== FRAME.REPORT);
	equal(left.map(({ type, payload }) => `${type} ${payload.toString('latin1')}`), [], 'inputs that are not reports');
	assert(session.inputs.length > 10, `${session.inputs.length} reports`);
	for (const { type, payload } of session.inputs)
		assert(known.has(type) && Object.values(REPORT).includes(report(payload)[0]), 'a report of the table');
	await page.keyboard.type('echo person\r');
	await seesText(page, 'person');
	assert(session.typed.includes('echo person\r'), 'what the person types still leaves');
}, { seconds: 120 });

story('page: each sequence alone leaves nothing but its report', async () => {
	const { page, session } = await opened();
	const wanted = new Map([
		['\x1b[5n', [REPORT.STATUS, 0, 0]], ['\x1b[c', [REPORT.PRIMARY, 0, 0]], ['\x1b[0c', [REPORT.PRIMARY, 0, 0]],
		['\x1b[>c', [REPORT.SECONDARY, 0, 0]], ['\x1b[>0c', [REPORT.SECONDARY, 0, 0]],
		['\x1b[2J\x1b[4;9H\x1b[6n', [REPORT.CURSOR, 4, 9]], ['\x1b[3;7H\x1b[?6n', [REPORT.CURSOR_PRIVATE, 3, 7]],
		['\x1b[99999;99999H\x1b[6n', [REPORT.CURSOR, session.redeemed.rows, session.redeemed.columns]],
		['\x1b[1;1H\x1b[?6n\u009b6n', null], ['\x1bZ', undefined], ['\x1b[=c', undefined], ['\x1b[1c', undefined], ['\x05', undefined],
		['\x1b[18t', undefined], ['\x1b]10;?\x07', undefined], ['\x1bP$qm\x1b\\', undefined], ['\x1bP+q544e\x1b\\', undefined],
		['\x1b[?25$p', undefined], ['\x1b[>q', undefined], ['\x1b[?u', undefined], ['\x1b]52;c;?\x07', undefined],
		['\x1b[?1004h', undefined], ['\x1b[x', undefined], ['\x1b]4;1;?\x07', undefined], ['\x1b[?996n', undefined],
	]);
	for (const [sequence, expected] of wanted) {
		session.inputs.length = 0;
		session.text(sequence);
		await page.waitForTimeout(60);
		const reports = session.inputs.map(({ type, payload }) => [type, ...report(payload)]);
		const want = expected === undefined ? [] : expected === null
			? [[FRAME.REPORT, REPORT.CURSOR_PRIVATE, 1, 1], [FRAME.REPORT, REPORT.CURSOR, 1, 1]] : [[FRAME.REPORT, ...expected]];
		equal(reports, want, JSON.stringify(sequence));
	}
});

story('page: colours of a target are shown, the question for them is not answered', async () => {
	const { page, session } = await opened();
	session.text('\x1b]11;rgb:40/10/10\x07\x1b]11;?\x07');
	await until(() => page.evaluate(() => getComputedStyle(document.querySelector('.xterm-scrollable-element')).backgroundColor
		=== 'rgb(64, 16, 16)'), 'the colour');
	equal(session.inputs.length, 0, 'inputs');
});

story('page: a target that asks without end gets at most fifty answers a second', async () => {
	const { page, session } = await opened();
	session.text('\x1b[6n'.repeat(5000));
	await settled(page, session, 'asked');
	const seconds = Math.ceil((session.inputs.at(-1).at - session.inputs[0].at) / 1000) + 1;
	assert(session.inputs.length <= 50 * seconds && session.inputs.length >= 50, `${session.inputs.length} in ${seconds} s`);
});

for (const length of [24, 16])
	story(`page: a replay is not answered, what comes after it is (WELCOME of ${length} bytes)`, async () => {
		const { url, session } = server.link({}, (fresh) => {
			fresh.welcomeLength = length;
			fresh.live();
			fresh.text('\x1b[c');
		});
		const page = await windowOn(url);
		await isIn(page, 'live');
		if (length === 24)
			await until(() => session.inputsOf(FRAME.REPORT).length === 1, 'the first page of a session answers what waits for it');
		session.text('\x1b[5n\x1b[6nasked\r\n');
		await seesText(page, 'asked');
		await until(() => session.inputsOf(FRAME.REPORT).length >= 2, 'live questions are answered');
		session.inputs.length = 0;
		await page.reload();
		await isIn(page, 'live');
		await seesText(page, 'asked');
		await page.waitForTimeout(300);
		equal(session.inputsOf(FRAME.REPORT).length, 0, 'answers to the replay');
		session.drop();
		session.text('\x1b[cmissed\r\n');
		await seesText(page, 'missed');
		await page.waitForTimeout(300);
		equal(session.inputsOf(FRAME.REPORT).length, 0, 'answers to what was missed');
		session.text('\x1b[5n');
		await until(() => session.inputsOf(FRAME.REPORT).length === 1, 'the live edge');
		equal(report(session.inputsOf(FRAME.REPORT)[0])[0], REPORT.STATUS, 'the report');
	});

story('page: a target offers to the clipboard, the person decides; it never reads', async () => {
	const { url, session } = server.link();
	const page = await windowOn(url, { permissions: ['clipboard-read', 'clipboard-write'] });
	await isIn(page, 'live');
	await page.evaluate(() => navigator.clipboard.writeText('mine'));
	session.inputs.length = 0;
	session.text(`\x1b]52;c;?\x07\x1b]52;c;${Buffer.from('rm -rf /\n').toString('base64')}\x07offered\r\n`);
	await seesText(page, 'offered');
	equal(await page.evaluate(() => navigator.clipboard.readText()), 'mine', 'before the person says so');
	await page.click('.toast >> text=Show');
	equal(await page.textContent('#question-text'), 'rm -rf /\n', 'what would be copied is shown');
	await page.click('#question-yes');
	await until(async () => await page.evaluate(() => navigator.clipboard.readText()) === 'rm -rf /\n', 'then it is copied');
	session.text(`\x1b]52;c;${Buffer.from('again').toString('base64')}\x07`);
	await page.waitForTimeout(200);
	equal(await page.locator('.toast >> text=Show').count(), 0, 'a second offer is not pressed on the person');
	equal(session.inputs.length, 0, 'inputs');
});

story('page: links that a target prints are asked about, only http and https', async () => {
	const { page, session } = await opened();
	session.text('\x1b[2J\x1b[H\x1b]8;;https://example.org/x?y=1\x1b\\visit\x1b]8;;\x1b\\ \x1b]8;;javascript:alert(1)\x1b\\never\x1b]8;;\x1b\\\r\n');
	await seesText(page, 'never');
	const popups = [];
	page.context().on('page', (popup) => popups.push(popup));
	const box = await page.locator('.xterm-screen').boundingBox();
	await page.mouse.move(box.x + 12, box.y + 8);
	await page.waitForTimeout(300);
	await page.mouse.click(box.x + 12, box.y + 8);
	await page.waitForSelector('#question[open]');
	equal(await page.textContent('#question-text'), 'https://example.org/x?y=1', 'the whole address');
	await page.click('#question-no');
	await page.mouse.move(box.x + 62, box.y + 8);
	await page.waitForTimeout(300);
	await page.mouse.click(box.x + 62, box.y + 8);
	await page.waitForTimeout(200);
	equal([popups.length, await page.isVisible('#question')], [0, false], 'popups, questions');
});

story('page: a target cannot rename the tab', async () => {
	const { page, session } = await opened();
	session.text('\x1b]0;Your bank\x07\x1b]2;Your bank\x07named\r\n');
	await seesText(page, 'named');
	equal(await page.title(), 'root@db1.example - ssh', 'the title');
});
