// SPDX-License-Identifier: Apache-2.0
// The terminal as page and player both show it.
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { Terminal, type ILinkHandler } from '@xterm/xterm';

import { fontFamily } from './theme.ts';

const SCROLLBACK = 10000; /* lines */

export function createTerminal(linkHandler: ILinkHandler): Terminal {
	const terminal = new Terminal({
		allowProposedApi: true, /* Unicode 11 and search marks */
		altClickMovesCursor: false, /* a click must not type */
		cursorBlink: true,
		fontFamily,
		linkHandler,
		logLevel: 'off', /* what is typed does not belong in a console */
		minimumContrastRatio: 4.5,
		scrollback: SCROLLBACK,
	});
	/* Programs on targets count columns by code point; so do these tables, emoji included. */
	terminal.loadAddon(new Unicode11Addon());
	terminal.unicode.activeVersion = '11';
	return terminal;
}

function hasHardware(): boolean {
	const context = document.createElement('canvas')
		.getContext('webgl2', { failIfMajorPerformanceCaveat: true });
	if (context === null)
		return false;
	const information = context.getExtension('WEBGL_debug_renderer_info');
	const name = String(context.getParameter(information?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
	context.getExtension('WEBGL_lose_context')?.loseContext();
	return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

/*
 * Software WebGL is three times slower than the DOM renderer, so only real hardware counts. When the
 * hardware goes away the terminal falls back by itself.
 */
export async function accelerate(terminal: Terminal): Promise<string> {
	if (!hasHardware())
		return 'dom';
	try {
		const { WebglAddon } = await import('@xterm/addon-webgl');
		const addon = new WebglAddon();
		addon.onContextLoss(() => addon.dispose());
		terminal.loadAddon(addon);
		return 'webgl';
	} catch {
		return 'dom';
	}
}
