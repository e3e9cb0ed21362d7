// SPDX-License-Identifier: Apache-2.0
// The fast renderer: only on real hardware, under the same policy, and back to the other when it goes.
import { isIn, launch, openWindow, seesText } from '../lib/browser.mjs';
import { equal, until } from '../lib/story.mjs';
import { server, story } from './world.mjs';

/* Software WebGL, which says it is a card: enough to load and draw. */
function pretend() {
	const { getContext } = HTMLCanvasElement.prototype;
	HTMLCanvasElement.prototype.getContext = function context(kind, options) {
		return getContext.call(this, kind, { ...options, failIfMajorPerformanceCaveat: false });
	};
	const { getParameter } = WebGL2RenderingContext.prototype;
	WebGL2RenderingContext.prototype.getParameter = function parameter(name) {
		return name === 0x9246 ? 'A graphics card' : getParameter.call(this, name);
	};
}

async function opened(pretends) {
	const browser = await launch(['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']);
	const page = await openWindow(browser);
	if (pretends)
		await page.addInitScript(pretend);
	const { url, session } = server.link();
	await page.goto(url);
	await isIn(page, 'live');
	await until(() => page.evaluate(() => document.documentElement.dataset.renderer), 'a renderer');
	return { browser, page, session };
}

const renderer = (page) => page.evaluate(() => document.documentElement.dataset.renderer);

story('page: software WebGL is not taken for hardware', async () => {
	const { browser, page } = await opened(false);
	equal(await renderer(page), 'dom', 'the renderer');
	await seesText(page, 'Welcome');
	await browser.close();
});

story('page: hardware draws with WebGL, and the other renderer takes over when it is lost', async () => {
	const { browser, page, session } = await opened(true);
	equal(await renderer(page), 'webgl', 'the renderer');
	equal(await page.evaluate(() => document.querySelectorAll('.xterm-screen canvas').length > 0), true, 'a canvas');
	await page.keyboard.type('echo drawn\r');
	await until(() => session.line === '' && session.typed.includes('drawn'), 'typing works');
	await page.evaluate(() => {
		for (const canvas of document.querySelectorAll('.xterm-screen canvas'))
			canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext();
	});
	await seesText(page, 'drawn', 15000);
	equal([page.trouble, await page.evaluate(() => globalThis.violations)], [[], []], 'troubles');
	await browser.close();
});
