// SPDX-License-Identifier: Apache-2.0
// Every file says its licence first, and every header is read once.

export default function heads(tree) {
	const failures = [];
	const spoken = /\.(c|h|def|mjs|ts|sh|sql|css|build|options)$|^dev$|meson_options\.txt$/;
	for (const file of tree.match(/^(src|tests|web|tools|packaging|man|dev$|meson)/)) {
		if (!spoken.test(file)) continue;
		const lines = tree.text(file).split('\n').slice(0, 2);
		const first = lines[0].startsWith('#!') ? lines[1] : lines[0];
		if (!/^(\/\*|#|\/\/|--) SPDX-License-Identifier: Apache-2\.0( \*\/)?$/.test(first ?? ''))
			failures.push(`${file}: the first line is not the licence`);
		if (file.endsWith('.h') && !/^#pragma once$/m.test(tree.text(file))) failures.push(`${file}: no #pragma once`);
		if (!tree.text(file).endsWith('\n')) failures.push(`${file}: the last line has no end`);
	}
	return failures;
}
