// SPDX-License-Identifier: Apache-2.0
import { bytes16, get16 } from '../lib/bytes.ts';

/* A terminal's size: in cells, and the same area in pixels. */
export interface Size {
	columns: number;
	rows: number;
	width: number;
	height: number;
}

export function sizeBytes({ columns, rows, width, height }: Size): Uint8Array {
	return bytes16(columns, rows, width, height);
}

export function readSize(payload: Uint8Array): Size {
	return {
		columns: get16(payload, 0),
		rows: get16(payload, 2),
		width: get16(payload, 4),
		height: get16(payload, 6),
	};
}

export function sameCells(a: Size | null, b: Size | null): boolean {
	return a !== null && b !== null && a.columns === b.columns && a.rows === b.rows;
}
