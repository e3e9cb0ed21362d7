// SPDX-License-Identifier: Apache-2.0
// A target can print sequences that a terminal answers as if the person had typed. The terminal here
// never answers. The few reports that real programs wait for leave as REPORT frames, whose bytes the
// worker makes from its own table; everything else is swallowed.
import type { IParser, Terminal } from '@xterm/xterm';
import { REPORT } from '#view';

export interface Report {
	kind: number;
	a: number;
	b: number;
}

type Params = (number | number[])[];

/* Row and column of the cursor, from 1, within the screen (a pending wrap is still the last column). */
function cursor(terminal: Terminal, kind: number): Report {
	const { cursorX, cursorY } = terminal.buffer.active;
	return {
		kind,
		a: Math.min(cursorY + 1, terminal.rows),
		b: Math.min(cursorX + 1, terminal.cols),
	};
}

function plain(kind: number): Report {
	return { kind, a: 0, b: 0 };
}

/* DSR: 5 asks whether the terminal is well, 6 where the cursor is. */
function status(terminal: Terminal, code: Params[number] | undefined): Report | null {
	if (code === 5)
		return plain(REPORT.STATUS);
	return code === 6 ? cursor(terminal, REPORT.CURSOR) : null;
}

/* Colours may be set, but not asked for. */
function asksForColour(data: string): boolean {
	return data.split(';').some((part) => part.trim().startsWith('?'));
}

/*
 * Answered by report() where the table has a kind, swallowed otherwise: DA1, DA2, DA3, DSR, DECXCPR,
 * DECRQM, XTVERSION, window reports, keyboard and modifier queries, DECREQTPARM, DECID, DECRQSS,
 * XTGETTCAP, colour queries. The handlers return true so that the terminal's own never run.
 */
function hook(terminal: Terminal, report: (report: Report) => void): void {
	const parser: IParser = terminal.parser;
	const answer = (found: Report | null): true => {
		if (found !== null)
			report(found);
		return true;
	};
	const swallow = (): true => true;
	const isDefault = (params: Params): boolean => params.length === 0 || params[0] === 0;

	parser.registerCsiHandler({ final: 'c' }, (params) =>
		answer(isDefault(params) ? plain(REPORT.PRIMARY) : null));
	parser.registerCsiHandler({ prefix: '>', final: 'c' }, (params) =>
		answer(isDefault(params) ? plain(REPORT.SECONDARY) : null));
	parser.registerCsiHandler({ final: 'n' }, (params) => answer(status(terminal, params[0])));
	parser.registerCsiHandler({ prefix: '?', final: 'n' }, (params) =>
		answer(params[0] === 6 ? cursor(terminal, REPORT.CURSOR_PRIVATE) : null));

	for (const id of [
		{ prefix: '=', final: 'c' }, { prefix: '?', final: 'c' },
		{ prefix: '>', final: 'n' }, { prefix: '>', final: 'q' },
		{ intermediates: '$', final: 'p' }, { prefix: '?', intermediates: '$', final: 'p' },
		{ final: 't' }, { prefix: '>', final: 't' }, { intermediates: '$', final: 'w' },
		{ final: 'x' }, { intermediates: '*', final: 'y' },
		{ prefix: '?', final: 'u' }, { prefix: '>', final: 'u' }, { prefix: '<', final: 'u' },
		{ prefix: '=', final: 'u' }, { prefix: '?', final: 'm' }, { prefix: '?', final: 'S' },
		{ intermediates: '&', final: 'u' }, { intermediates: '"', final: 'v' },
		{ intermediates: '#', final: 'y' }, { intermediates: '#', final: 'S' },
	])
		parser.registerCsiHandler(id, swallow);
	parser.registerEscHandler({ final: 'Z' }, swallow);
	for (const intermediates of ['$', '+'])
		parser.registerDcsHandler({ intermediates, final: 'q' }, swallow);
	for (const number of [4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
		parser.registerOscHandler(number, asksForColour);
}

/* The terminal's own mark of what a person did; not in its public interface, hence checked. */
interface PersonSignal {
	_core?: { coreService?: { onUserInput?: (listener: () => void) => unknown } };
}

/*
 * Calls typed() for what the person typed, clicked or composed, and report() for the reports above.
 * Bytes that the terminal makes without the person, now or in a later version, go nowhere.
 */
export function listen(
	terminal: Terminal,
	typed: (data: string, binary: boolean) => void,
	report: (report: Report) => void,
): void {
	const onUserInput = (terminal as unknown as PersonSignal)._core?.coreService?.onUserInput;
	if (onUserInput === undefined)
		throw new Error('the terminal does not say what a person typed');
	let person = false;
	onUserInput(() => {
		person = true;
	});
	terminal.onData((data) => {
		if (person)
			typed(data, false);
		person = false;
	});
	/* Only mouse reports of the old kind come this way, from the person's mouse. */
	terminal.onBinary((data) => typed(data, true));
	hook(terminal, report);
}
