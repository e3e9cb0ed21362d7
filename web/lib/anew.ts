// SPDX-License-Identifier: Apache-2.0
// What brings a terminal to where a reset would bring it, except that it keeps what it has shown:
// all of that is pushed up, out of the screen, and under it stand a few quiet words.
import type { Terminal } from '@xterm/xterm';

const MICE = [9, 1000, 1002, 1003, 1005, 1006, 1015, 1016];
const TAB = 8; /* columns */

/* Each of the two screens has its own margins, tabs and remembered cursor. */
function clean(columns: number): string {
	const stops = Array.from({ length: Math.ceil(columns / TAB) }, (_, i) => `\x1b[${i * TAB + 1}G\x1bH`);
	return `\x1b[!p\x1b[3g${stops.join('')}`;
}

/* Rows down to the last one with something on it. */
function used({ buffer: { normal }, rows }: Terminal): number {
	for (let row = rows; row > 1; row--)
		if (normal.getLine(normal.baseY + row - 1)?.translateToString(true) !== '')
			return row;
	return 1;
}

export function anew(terminal: Terminal, words: string): string {
	const { cols: columns, rows } = terminal;
	const cleaned = clean(columns);
	const shown = words.slice(0, columns);
	return [
		'\x18', /* ends what was begun */
		'\x1b[?1047h', cleaned, '\x1b[?1047l', cleaned,
		...MICE.map((mode) => `\x1b[?${mode}l`),
		'\x1b[?2026l\x1b[20l',
		`\x1b[${used(terminal)};1H\r\n\x1b[J\x1b[2m${shown}\x1b[m`, '\r\n'.repeat(rows),
		'\x1b[!p\x1b[H',
	].join('');
}
