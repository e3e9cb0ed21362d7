// SPDX-License-Identifier: Apache-2.0
// Chromium for tests of the page, and what a test asks of a page.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((name) => existsSync(name));

export async function launch(argv = []) {
	return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', ...argv] });
}

/* A window of its own: nothing kept from other tests. Everything that went wrong in it is in `trouble`. */
export async function openWindow(browser, options = {}) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1000, height: 640 },
		colorScheme: 'dark', ...options });
	return openTab(context);
}

export async function openTab(context) {
	const page = await context.newPage();
	page.trouble = [];
	page.on('pageerror', (error) => page.trouble.push(`error: ${error.message}`));
	page.on('console', (message) => {
		if (message.type() === 'error' && !/WebSocket connection|Failed to load resource|net::ERR/.test(message.text()))
			page.trouble.push(`console: ${message.text()}`);
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) =>
			window.violations.push(`${violatedDirective} ${sample}`));
	});
	return page;
}

/* The terminal's rows as the person sees them. */
export async function screenText(page) {
	return page.evaluate(() => [...document.querySelectorAll('.xterm-rows > div')]
		.map((row) => row.textContent.replace(/\u00a0/g, ' ').trimEnd()).join('\n'));
}

export async function seesText(page, text, timeout = 8000) {
	await page.waitForFunction((wanted) => [...document.querySelectorAll('.xterm-rows > div')]
		.some((row) => row.textContent.replace(/\u00a0/g, ' ').includes(wanted)), text, { timeout });
}

export async function isIn(page, mood, timeout = 8000) {
	await page.waitForSelector(`#state[data-state="${mood}"]`, { timeout });
}
