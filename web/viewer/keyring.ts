// SPDX-License-Identifier: Apache-2.0
// What this browser keeps of a session, so that a reloaded tab finds back: the key, which cannot be
// exported, and what the card shows. In IndexedDB, because only there a key stays a key.

/* The answer to the redeeming POST. */
export interface SessionFacts {
	session: string;
	user: string;
	application: string;
	device: string;
	username: string;
	protocol: string;
	click: boolean;
	recorded: boolean;
}

export interface Ending {
	why: number;
	exitStatus: number;
	words: string;
	wasLive: boolean;
}

export interface Kept {
	facts: SessionFacts;
	/* null once the session has ended. */
	key: CryptoKey | null;
	started: boolean;
	openedAt: number;
	ending: Ending | null;
}

const KEEP = 7 * 24 * 3600 * 1000; /* ms; no session lives longer */
const PLACE = 'sessions';

function settled<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error ?? new Error('storage'));
	});
}

async function place(mode: IDBTransactionMode): Promise<IDBObjectStore> {
	const request = indexedDB.open('sallyport', 1);
	request.onupgradeneeded = () => request.result.createObjectStore(PLACE);
	const database = await settled(request);
	const transaction = database.transaction(PLACE, mode);
	transaction.oncomplete = () => database.close();
	return transaction.objectStore(PLACE);
}

/* A browser that keeps nothing (some private windows) still has its session, only no reload. */
export async function keep(kept: Kept): Promise<boolean> {
	try {
		await settled((await place('readwrite')).put(kept, kept.facts.session));
		return true;
	} catch {
		return false;
	}
}

export async function recall(session: string): Promise<Kept | null> {
	try {
		return await settled<Kept | undefined>((await place('readonly')).get(session)) ?? null;
	} catch {
		return null;
	}
}

export async function forgetOld(now: number): Promise<void> {
	try {
		const store = await place('readwrite');
		const walk = store.openCursor();
		walk.onsuccess = () => {
			const cursor = walk.result;
			if (cursor === null)
				return;
			if (!((cursor.value as Kept).openedAt > now - KEEP))
				cursor.delete();
			cursor.continue();
		};
	} catch {
		/* nothing kept, nothing to forget */
	}
}
