// SPDX-License-Identifier: Apache-2.0
import type { ITheme } from '@xterm/xterm';

/* Backgrounds are those of the page (viewer/page.css), so that the terminal has no visible frame. */
export const dark: ITheme = {
	background: '#11151b', foreground: '#d7dde5', cursor: '#8ab4f8', cursorAccent: '#11151b',
	selectionBackground: '#2f4a73', selectionInactiveBackground: '#263447',
	scrollbarSliderBackground: '#8b98a833', scrollbarSliderHoverBackground: '#8b98a866',
	scrollbarSliderActiveBackground: '#8b98a899',
	black: '#1d232c', red: '#f2777a', green: '#8fc98b', yellow: '#e5c07b',
	blue: '#7aa9f0', magenta: '#c594d8', cyan: '#6cc5c8', white: '#c8d0da',
	brightBlack: '#758294', brightRed: '#ff9a9c', brightGreen: '#aee3a9', brightYellow: '#f4d795',
	brightBlue: '#a3c5ff', brightMagenta: '#deb3ee', brightCyan: '#93dfe1', brightWhite: '#f4f7fa',
};

export const light: ITheme = {
	background: '#fbfbf9', foreground: '#22272e', cursor: '#2459b3', cursorAccent: '#fbfbf9',
	selectionBackground: '#bcd3f7', selectionInactiveBackground: '#dde3ea',
	scrollbarSliderBackground: '#5b677633', scrollbarSliderHoverBackground: '#5b677666',
	scrollbarSliderActiveBackground: '#5b677699',
	black: '#22272e', red: '#b3261e', green: '#2e6b34', yellow: '#7a5600',
	blue: '#1f56b5', magenta: '#83399a', cyan: '#0f6673', white: '#5f6873',
	brightBlack: '#4d5762', brightRed: '#c8372d', brightGreen: '#387f3f', brightYellow: '#8a6400',
	brightBlue: '#2f69cf', brightMagenta: '#974bb0', brightCyan: '#157786', brightWhite: '#343b44',
};

export const fontFamily = 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", '
	+ '"Liberation Mono", "Noto Sans Mono", monospace';
