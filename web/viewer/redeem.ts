// SPDX-License-Identifier: Apache-2.0
// Spending the URL: the value leaves the address bar first, then one POST exchanges it, together
// with a new key of this browser, for the session.
import { base64 } from '../lib/bytes.ts';
import type { SessionFacts } from './keyring.ts';
import type { Size } from './size.ts';

const PATIENCE = 20000; /* ms */

export type Redeemed =
	| { kind: 'opened'; facts: SessionFacts }
	| { kind: 'refused' }
	| { kind: 'failed'; words: string };

/*
 * The value of _sr as it stood in the query ('+' is not a blank here), or null. The address bar and
 * the history lose it before anything else happens.
 */
export function takeTicket(): string | null {
	const value = /[?&]_sr=([^&#]*)/.exec(location.search)?.[1];
	history.replaceState(null, '', location.pathname);
	if (value === undefined || value === '')
		return null;
	try {
		return decodeURIComponent(value);
	} catch {
		return null;
	}
}

/* The private half can sign but never leaves the browser, not even for this page. */
export async function makeKey(): Promise<{ key: CryptoKey; publicKey: string }> {
	const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
	const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
	const point = await crypto.subtle.exportKey('raw', pair.publicKey);
	return { key: pair.privateKey, publicKey: base64(new Uint8Array(point)) };
}

function text(answer: Record<string, unknown>, name: string): string {
	const value = answer[name];
	return typeof value === 'string' ? value : '';
}

function readFacts(answer: unknown): SessionFacts | null {
	if (typeof answer !== 'object' || answer === null)
		return null;
	const fields = answer as Record<string, unknown>;
	const session = text(fields, 'session');
	if (!/^[0-9a-f]{40}$/i.test(session))
		return null;
	return {
		session,
		user: text(fields, 'user'),
		application: text(fields, 'application'),
		device: text(fields, 'device'),
		username: text(fields, 'username'),
		protocol: text(fields, 'protocol'),
		click: Boolean(fields['click']),
		recorded: Boolean(fields['recorded']),
	};
}

export async function redeem(ticket: string, publicKey: string, size: Size): Promise<Redeemed> {
	let response: Response;
	try {
		response = await fetch('/modulos/auth', {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ sr: ticket, key: publicKey, ...size }),
			credentials: 'same-origin',
			cache: 'no-store',
			redirect: 'error',
			signal: AbortSignal.timeout(PATIENCE),
		});
	} catch {
		return { kind: 'failed', words: 'The gateway cannot be reached.' };
	}
	if (response.status === 200) {
		const facts = readFacts(await response.json().catch(() => null));
		return facts === null
			? { kind: 'failed', words: 'The gateway gave an answer that this page does not understand.' }
			: { kind: 'opened', facts };
	}
	if (response.status === 429)
		return { kind: 'failed', words: 'Too many attempts from here. Please wait a moment.' };
	if (response.status >= 500)
		return { kind: 'failed', words: 'The gateway is busy or restarting.' };
	return { kind: 'refused' };
}
