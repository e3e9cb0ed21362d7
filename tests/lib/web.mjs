// SPDX-License-Identifier: Apache-2.0
// Modules of the pages' shared code, for tests of them without a browser.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { typescript } from '../../tools/view-to-typescript.mjs';

const web = fileURLToPath(new URL('../../web', import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), 'unit-web-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

// web/lib/NAME.ts
export async function load(name) {
	const { build } = createRequire(path.join(web, 'package.json'))('esbuild');
	writeFileSync(path.join(directory, 'view.ts'), typescript());
	const outfile = path.join(directory, `${name}.mjs`);
	await build({ entryPoints: [path.join(web, 'lib', `${name}.ts`)], bundle: true, format: 'esm', outfile,
		alias: { '#view': path.join(directory, 'view.ts') } });
	return import(pathToFileURL(outfile));
}
