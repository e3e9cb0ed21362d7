// SPDX-License-Identifier: Apache-2.0
// Tests of the code itself: node tests/house/check.mjs [BUILD] [--only RULE]. One line per failure.
// Rules are in rules/, what they allow in the small text files beside this one. Each rule is first
// shown a tree that breaks it (villains.mjs): a rule that finds nothing there is a rumour.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Tree } from './source.mjs';
import { tryVillains } from './villains.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const names = ['walls', 'leash', 'hardening', 'doors', 'sql', 'secrets', 'mirror', 'ceilings', 'tables', 'words', 'heads', 'hooks', 'packages', 'node'];
const words = process.argv.slice(2);
const only = words.includes('--only') ? words.splice(words.indexOf('--only'), 2)[1] : undefined;
const build = words[0] && path.resolve(words[0]);
const tree = new Tree(path.join(here, '../..'), build, here);

let passed = 0;
let failed = 0;
function tell(name, failures) {
	for (const failure of failures) console.log(`FAIL ${name}: ${failure}`);
	if (failures.length === 0) console.log(`ok   ${name}`);
	if (failures.length === 0) passed++;
	else failed++;
}
for (const name of names.filter((known) => only === undefined || known === only)) {
	const { default: rule } = await import(`./rules/${name}.mjs`);
	for (const { what, failures } of tryVillains(name, rule)) tell(`${name} finds ${what}`, failures);
	tell(name, rule(tree));
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
