// SPDX-License-Identifier: Apache-2.0
// The one paper gateway and the one browser that all stories of the page share.
import { isIn, launch, openWindow, seesText } from '../lib/browser.mjs';
import { PageServer } from '../lib/page-server.mjs';
import { equal, story as plainStory } from '../lib/story.mjs';

export const server = await PageServer.start();
export const browser = await launch();
const windows = [];
const endings = [];

/* For what a file of stories started for all of them. */
export const atEnd = (work) => endings.push(work);

/* Closed after its story; its troubles fail the story then. */
export async function window(options) {
	const page = await openWindow(browser, options);
	windows.push(page);
	return page;
}

export async function windowOn(url, options) {
	const page = await window(options);
	await page.goto(url);
	return page;
}

/* A page that is live, with its session. */
export async function opened(onRedeem, options) {
	const { url, session } = server.link({}, onRedeem);
	const page = await windowOn(url, options);
	await isIn(page, 'live');
	return { page, session };
}

/* The same, one word later without the gateway, and told so. */
export async function openedAndAway(word) {
	const { page, session } = await opened();
	await page.keyboard.type(`echo ${word}\r`);
	await seesText(page, word);
	server.isAway = true;
	session.drop();
	await isIn(page, 'away');
	return { page, session };
}

/* What every story holds: no script error, nothing that the policy refused, no fault in the protocol. */
async function afterStory() {
	const troubles = [];
	for (const page of windows.splice(0)) {
		troubles.push(...page.trouble);
		if (!page.isClosed())
			troubles.push(...await page.evaluate(() => globalThis.violations ?? []).catch(() => []));
		await page.context().close();
	}
	for (const session of server.sessions.values()) {
		troubles.push(...session.faults);
		session.drop();
	}
	server.sessions.clear();
	Object.assign(server, { isAway: false, isUpgrading: true, attachDelay: 0, redeemStatus: 0 });
	return troubles;
}

export const story = (name, run, limits) => plainStory(name, async () => {
	let troubles = [];
	try {
		await run();
	} finally {
		troubles = await afterStory();
	}
	equal(troubles, [], 'troubles');
}, limits);

export async function end() {
	for (const work of endings)
		await work();
	await browser.close();
	server.stop();
}
