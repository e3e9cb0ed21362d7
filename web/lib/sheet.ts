// SPDX-License-Identifier: Apache-2.0
// The terminal library writes its colours into <style> elements and style attributes, which a policy
// without 'unsafe-inline' forbids. The build (build.mjs, strictStyles) sends it here instead: sheets
// made by script and declarations set through the object model are allowed, because text that an
// attacker injects into a page can reach neither.

/* Stands where a <style> element would: a comment node whose text becomes a constructed sheet. */
export function styleElement(): Comment {
	const sheet = new CSSStyleSheet();
	const node = document.createComment('');
	document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
	Object.defineProperty(node, 'textContent', {
		get: () => null,
		set: (text: string) => sheet.replaceSync(text),
	});
	node.remove = () => {
		document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
		Comment.prototype.remove.call(node);
	};
	return node;
}

export function addStyle(element: HTMLElement, declarations: string): void {
	element.style.cssText += `${declarations};`;
}
