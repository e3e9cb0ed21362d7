// SPDX-License-Identifier: Apache-2.0
// From the link to the shell: what the page sends, what it keeps, what it says.
import { openTab, isIn, seesText } from '../lib/browser.mjs';
import { STATE } from '../lib/page-server.mjs';
import { assert, equal, until } from '../lib/story.mjs';
import { server, story, window, windowOn } from './world.mjs';

const cardSays = async (page, words) => {
	await page.waitForSelector('#card:not([hidden])');
	await until(async () => (await page.textContent('#card')).includes(words), `a card that says "${words}"`);
};

story('page: a link opens a shell', async () => {
	const { url, session } = server.link();
	const page = await windowOn(url);
	await isIn(page, 'live');
	await seesText(page, 'Welcome to db1.example');
	equal(page.url(), `${server.base}/session/${session.id}`, 'the address');
	equal(await page.title(), 'root@db1.example - ssh', 'the title');
	equal(await page.textContent('#recorded'), 'Recorded', 'the mark');
	const { sr, key, ...size } = session.redeemed;
	assert(url.endsWith(sr) && Buffer.from(key, 'base64').length === 65, 'the value and a point were sent');
	const columns = await page.evaluate(() => document.querySelector('.xterm-rows').childElementCount);
	equal(size.rows, columns, 'rows as drawn');
	equal([session.proofs[0].columns, session.proofs[0].rows], [size.columns, size.rows], 'the size in the proof');
	assert(size.width === 1000 && size.height > 500, `pixels of the window: ${size.width}x${size.height}`);
	equal(session.faults, [], 'faults');
});

story('page: the value leaves the address and the history before it is sent', async () => {
	const { url } = server.link();
	const page = await window();
	const seen = [];
	await page.route('**/modulos/auth', async (route) => {
		if (route.request().method() === 'POST')
			seen.push(page.url(), route.request().headers().referer ?? '');
		await route.continue();
	});
	await page.goto(`${server.base}/session/${'0'.repeat(40)}`);
	await page.goto(url);
	await isIn(page, 'live');
	assert(seen.length === 2 && !seen.join().includes('_sr'), `while posting: ${seen}`);
	await page.goBack();
	await page.goForward();
	assert(!page.url().includes('_sr'), 'the history has no value');
});

story('page: nothing inline, nothing from elsewhere, no string becomes code', async () => {
	const { url } = server.link();
	const page = await window();
	const foreign = [];
	page.on('request', (request) => {
		if (new URL(request.url()).host !== new URL(server.base).host)
			foreign.push(request.url());
	});
	await page.goto(url);
	await isIn(page, 'live');
	equal(foreign, [], 'requests elsewhere');
	equal(await page.evaluate(() => document.querySelectorAll('style, script:not([src]), [onclick]').length), 0, 'inline elements');
	const policy = server.manifest.headers['Content-Security-Policy'];
	assert(!policy.includes('unsafe') && policy.includes("require-trusted-types-for 'script'"), policy);
	const refused = await page.evaluate(() => {
		try {
			document.createElement('div').innerHTML = '<b>x</b>';
			return false;
		} catch {
			return true;
		}
	});
	assert(refused, 'markup from a string is refused by the browser');
	await until(() => page.trouble.length > 0, 'the browser says so');
	page.trouble.length = 0;
	await page.evaluate(() => globalThis.violations.splice(0));
});

story('page: the key cannot be taken out of the browser', async () => {
	const { url, session } = server.link();
	const page = await windowOn(url);
	await isIn(page, 'live');
	const answer = await page.evaluate(async (id) => {
		const open = indexedDB.open('sallyport', 1);
		await new Promise((done) => { open.onsuccess = done; });
		const get = open.result.transaction('sessions').objectStore('sessions').get(id);
		await new Promise((done) => { get.onsuccess = done; });
		const { key } = get.result;
		const taken = await crypto.subtle.exportKey('pkcs8', key).then(() => 'exported', () => 'refused');
		return [key.type, key.extractable, key.usages.join(), taken];
	}, session.id);
	equal(answer, ['private', false, 'sign', 'refused'], 'the kept key');
});

story('page: spent, expired and unknown links look the same', async () => {
	const { url } = server.link();
	await isIn(await windowOn(url), 'live');
	const looks = [];
	for (const address of [url, `${server.base}/modulos/auth?_sr=${'A'.repeat(176)}`, `${server.base}/modulos/auth`]) {
		const page = await windowOn(address);
		await cardSays(page, 'This link is no longer valid');
		looks.push(await page.textContent('body'));
		assert(!page.url().includes('_sr'), 'the address');
	}
	equal(looks[0], looks[1], 'spent and unknown');
	equal(looks[0], looks[2], 'spent and missing');
});

story('page: a gateway that is away at first can be tried again', async () => {
	const { url } = server.link();
	server.redeemStatus = 503;
	const page = await windowOn(url);
	await cardSays(page, 'could not be opened yet');
	server.redeemStatus = 0;
	await page.click('#card button');
	await isIn(page, 'live');
});

story('page: a slow target is told step by step', async () => {
	const { url, session } = server.link({}, (fresh) => fresh.state(STATE.CONNECTING));
	const page = await windowOn(url);
	await cardSays(page, 'Connecting to db1.example');
	equal(await page.textContent('.steps [aria-current]'), 'Connecting to db1.example', 'the step');
	session.state(STATE.LOGGING_IN);
	await until(async () => await page.textContent('.steps [aria-current]') === 'Logging in as root', 'the next step');
	equal(await page.textContent('#state-words'), 'Logging in to db1.example', 'the state');
	session.state(STATE.LIVE);
	await isIn(page, 'live');
	assert(await page.isHidden('#card'), 'no card over a live session');
	await until(async () => (await page.textContent('#state-words')).includes('nothing printed yet'), 'silence is told', 8000);
	session.text('hello\r\n');
	await until(async () => await page.textContent('#state-words') === 'Live', 'and then no more');
});

story('page: with "click" nothing starts before the person says so', async () => {
	const { url, session } = server.link({ click: 1 });
	const page = await windowOn(url);
	await cardSays(page, 'Start this session?');
	const text = await page.textContent('#card');
	for (const fact of ['root@db1.example', 'ana', 'helpdesk', 'recorded'])
		assert(text.includes(fact), `the card names ${fact}`);
	await page.reload();
	await cardSays(page, 'Start this session?');
	equal(session.attaches, 0, 'attached before the click');
	await page.keyboard.press('Enter');
	await isIn(page, 'live');
	await page.reload();
	await isIn(page, 'live');
});

story('page: a session of another browser is not opened', async () => {
	const { url, session } = server.link();
	await isIn(await windowOn(url), 'live');
	const page = await windowOn(`${server.base}/session/${session.id}`);
	await cardSays(page, 'not open in this browser');
	equal(session.attaches, 1, 'attaches');
});

story('page: a second tab of the same browser sees the same shell', async () => {
	const { url, session } = server.link();
	const page = await windowOn(url);
	await isIn(page, 'live');
	const second = await openTab(page.context());
	await second.goto(`${server.base}/session/${session.id}`);
	await isIn(second, 'live');
	await seesText(second, 'Welcome to db1.example');
	await page.keyboard.type('echo both\r');
	await seesText(second, 'both');
	equal(session.faults, [], 'faults');
});

story('page: names from outside are text', async () => {
	const evil = '<img src=x onerror=alert(1)>';
	const { url, session } = server.link({ device: evil, user: '"><script>alert(1)</script>', application: '\u202egpj.exe' });
	const page = await windowOn(url);
	await isIn(page, 'live');
	session.notice(`${evil}\u202e\x1b[31m`);
	session.ended(0, 0, evil);
	await cardSays(page, evil);
	equal(await page.evaluate(() => document.querySelectorAll('img, script:not([src])').length), 0, 'new elements');
});
