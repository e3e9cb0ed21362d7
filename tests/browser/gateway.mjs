// SPDX-License-Identifier: Apache-2.0
// The same page against the real gateway and a real sshd: what only the whole can show.
import { existsSync } from 'node:fs';
import path from 'node:path';

import { isIn, screenText, seesText } from '../lib/browser.mjs';
import { build, Gateway } from '../lib/gateway.mjs';
import { Sshd } from '../lib/targets.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { atEnd, story, window } from './world.mjs';

let gateway;
let sshd;

async function prepared() {
	if (gateway)
		return gateway;
	sshd = await Sshd.start();
	gateway = await Gateway.start({ 'ticket.lifetime': 300 });
	gateway.prepare({ device: 'db1', port: sshd.port, username: sshd.username, keyFile: sshd.allow('ed25519') });
	atEnd(async () => {
		await gateway.stop();
		await sshd.stop();
	});
	return gateway;
}

async function opened(options) {
	const { session_url: url } = await (await prepared()).session();
	const page = await window(options);
	await page.goto(url);
	await isIn(page, 'live', 15000);
	return { page, url };
}

/* Types a command and waits for what it prints; the mark keeps its echo from being taken for it. */
async function run(page, command, wanted) {
	await page.keyboard.type(`${command}\r`);
	await seesText(page, wanted, 15000);
}

const number = async (page, word) => new RegExp(`${word}=(\\d+)`).exec(await screenText(page))?.[1];
const real = (name, work) => story(`gateway: ${name}`, async () => {
	if (!existsSync(path.join(build, 'sallyport')))
		throw new Error(`no gateway in ${build}: build it first`);
	await work();
}, { seconds: 90 });

real('a link opens a real shell under the real policy', async () => {
	const { page, url } = await opened();
	await run(page, 'echo one$((1+1))', 'one2');
	equal(await page.title(), `${gateway.request_body.credential}@db1 - ssh`, 'the title');
	assert(page.url().startsWith(`${gateway.base}/session/`), 'the address');
	const answer = await page.request.get(page.url());
	assert(answer.headers()['content-security-policy'].includes("require-trusted-types-for 'script'"), 'the policy');
	const again = await window();
	await again.goto(url);
	await again.waitForSelector('#card:not([hidden])');
	assert((await again.textContent('#card')).includes('no longer valid'), 'a spent link');
});

real('the window size reaches the target', async () => {
	const { page } = await opened();
	const size = () => page.evaluate(() => document.querySelector('.xterm-rows').childElementCount);
	await run(page, 'echo "rows=$(tput lines)"', `rows=${await size()}`);
	await page.setViewportSize({ width: 800, height: 420 });
	await page.waitForTimeout(500);
	await run(page, 'clear; echo "now=$(tput lines)"', `now=${await size()}`);
});

real('a reload finds the same shell', async () => {
	const { page } = await opened();
	await run(page, 'echo "shell=$$"', 'shell=');
	await until(() => number(page, 'shell'), 'a number');
	const shell = await number(page, 'shell');
	await page.reload();
	await isIn(page, 'live', 15000);
	await seesText(page, `shell=${shell}`);
	await run(page, 'clear; echo "after=$$"', `after=${shell}`);
});

real('a front that dies is back, and so is the shell', async () => {
	const { page } = await opened();
	await run(page, 'echo "shell=$$"', 'shell=');
	await until(() => number(page, 'shell'), 'a number');
	const shell = await number(page, 'shell');
	const front = gateway.processes('front')[0].pid;
	process.kill(front, 'SIGKILL'); // it is back before anybody need be told; what is typed meanwhile arrives
	await run(page, 'echo "after=$$"', `after=${shell}`);
	await until(() => ![undefined, front].includes(gateway.processes('front')[0]?.pid), 'another front');
	await isIn(page, 'live', 20000);
	equal((await screenText(page)).split(`shell=${shell}`).length, 2, 'nothing was drawn twice');
});

real('a program that asks for the cursor gets it from the fixed table', async () => {
	const { page } = await opened();
	await run(page, String.raw`printf '\033[2J\033[5;1H\033[6n'; IFS=';' read -rs -d R -t 5 a b; clear; echo "row=${'${a#*[}'}"`, 'row=5');
	await run(page, String.raw`printf '\033[18t\033]11;?\a\033[>q\033P$qm\033\\\033[?25$p'; read -rs -t 1 x; echo "got=[$x]"`, 'got=[]');
});

real('the end of the shell is told with its status', async () => {
	const { page } = await opened();
	await page.keyboard.type('exit 7\r');
	await isIn(page, 'ended', 15000);
	assert(/Exit status\s*7/.test(await page.textContent('#card')), await page.textContent('#card'));
	await page.reload();
	await isIn(page, 'ended');
});

real('an administrator ends the session, and the person reads why', async () => {
	const { page } = await opened();
	const id = page.url().split('/').pop();
	gateway.cli(['session', 'end', id, 'maintenance window']);
	await isIn(page, 'ended', 15000);
	assert((await page.textContent('#card')).includes('maintenance window'), await page.textContent('#card'));
});

real('a session that ended while the person was away says so at once', async () => {
	const { page } = await opened();
	const id = page.url().split('/').pop();
	await page.goto('about:blank');
	gateway.cli(['session', 'end', id, 'maintenance window']);
	await page.waitForTimeout(500);
	const start = Date.now();
	await page.goto(`${gateway.base}/session/${id}`);
	await isIn(page, 'ended', 10000);
	assert(Date.now() - start < 8000, 'without long tries');
});

real('a flood arrives whole', async () => {
	const { page } = await opened();
	await page.keyboard.type('seq 1 300000; echo flood-$((40+2))\r');
	await seesText(page, 'flood-42', 60000);
	await seesText(page, '300000');
	await run(page, 'echo still$((1+1))', 'still2');
});
