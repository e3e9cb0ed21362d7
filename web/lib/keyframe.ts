// SPDX-License-Identifier: Apache-2.0
// KEYFRAME: what brings a terminal that was just reset to where the whole stream would.
import { get16 } from './bytes.ts';

const HEADER_LENGTH = 8;

export interface Keyframe {
	columns: number;
	rows: number;
	part: number;
	parts: number;
	state: number;
	bytes: Uint8Array;
}

export function readKeyframe(payload: Uint8Array): Keyframe {
	return {
		columns: get16(payload, 0),
		rows: get16(payload, 2),
		part: payload[4] ?? 0,
		parts: payload[5] ?? 0,
		state: payload[6] ?? 0,
		bytes: payload.subarray(HEADER_LENGTH),
	};
}
