// SPDX-License-Identifier: Apache-2.0
// What a target may write, at random but the same on every run: text and sequences of every kind that
// the page's terminal obeys, and floods of lines.
const E = '\x1b';
const COLORS = ['', '0', '1', '2', '3', '4', '5', '7', '8', '9', '21', '22', '23', '24', '25', '27', '28', '29', '31', '42', '39',
	'49', '53', '55', '94', '103', '4:3', '4:0', '58:5:9', '58:2::1:2:3', '38:2::9:8:7', '59', '38:5:3'];
const WORDS = ['日本語', '全', '😀', 'é', 'e\u0301', 'a\u0301\u0302', '\u0301', '한', '─│', 'ﾊ', '全\u0301', 'क्षि'];
const STRINGS = [`${E}]0;title\x07`, `${E}]2;x${E}\\`, `${E}P1$tx${E}\\`, `${E}_apc${E}\\`];
const UNKNOWN = [`${E}[?1;2c`, `${E}[>4;1m`, `${E}[<5h`, `${E}[1$r`, '\u009b3;4H', '\u0085', '\u008d', '\u0084'];

export class Sequences {
	constructor(seed) {
		this.state = Math.imul(seed, 0x9e3779b1) | 0;
	}

	below(limit) {
		this.state = this.state + 0x6d2b79f5 | 0;
		let mixed = Math.imul(this.state ^ this.state >>> 15, this.state | 1);
		mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
		return ((mixed ^ mixed >>> 14) >>> 0) % limit;
	}

	one(list) {
		return list[this.below(list.length)];
	}

	repeat(count, make) {
		return Array.from({ length: count }, make);
	}

	color() {
		const rgb = () => `${this.below(256)};${this.below(256)};${this.below(256)}`;
		return this.one([...COLORS, `38;5;${this.below(256)}`, `48;5;${this.below(256)}`, `38;2;${rgb()}`, `48;2;${rgb()}`]);
	}

	some(columns, rows) {
		return this.repeat(1 + this.below(25), () => this.one(this.kinds(columns, rows))()).join('');
	}

	kinds(columns, rows) {
		const number = () => this.one(['', '', '0', '1', '2', '3', String(this.below(columns + 3)), String(this.below(rows + 3)), '999']);
		const text = () => this.repeat(1 + this.below(columns), () => String.fromCharCode(33 + this.below(94))).join('');
		const onOff = () => this.one(['h', 'l']);
		return [
			text, text, text,
			() => 'x'.repeat(columns + this.below(columns)),
			() => ' '.repeat(this.below(columns)),
			() => 'abc\r\n'.repeat(this.below(rows + 3)),
			() => this.one(WORDS),
			() => '\r\n', () => '\r\n',
			() => this.one(['\n', '\r', '\b', '\t', '\v', '\x07', '\x0e', '\x0f', '\x7f', '\0']),
			() => `${E}[${1 + this.below(rows + 1)};${1 + this.below(columns + 1)}H`,
			() => `${E}[${number()}${this.one([...'ABCDEFGIZ`ade'])}`,
			// ED 1 in the last row and column breaks the page's terminal itself: not from there.
			() => this.one([`${E}[J`, `${E}[2J`, `${E}[K`, `${E}[1K`, `${E}[2K`, `\r${E}[1J`, `${E}[?J`, `${E}[?2J`, `${E}[?K`]),
			() => `${E}[${number()}${this.one([...'LMPX@STb'])}`,
			() => `${E}[${this.repeat(1 + this.below(3), () => this.color()).join(';')}m`,
			() => `${E}[m`,
			() => `${E}[${1 + this.below(rows)};${1 + this.below(rows)}r`,
			() => this.one([`${E}[r`, `${E}[r`, `${E}[?6${onOff()}`]),
			() => E + this.one([...'78DMEH=>']),
			() => `${E}[?${this.one(['1', '7', '12', '25', '45', '66', '9', '1000', '1002', '1003', '1004', '1006', '1016', '2004'])}${onOff()}`,
			() => `${E}[?${this.one(['47', '1047', '1049', '1048'])}${onOff()}`,
			() => `${E}[${this.one(['4', '20', '4;20'])}${this.one(['h', 'l', 'l'])}`,
			() => E + this.one(['(0', '(B', '(B', ')0', '(A', '*0', '~', 'n', 'o', '%G']),
			() => `${E}[${this.one(['0', '3', ''])}g`,
			() => `${E}[${this.below(7)} q`,
			() => this.one(['', '', '', '', `${E}[!p`, `${E}c`, `${E}#8`]),
			() => `${E}[${number()}${this.one([' @', ' A', "'}", "'~"])}`,
			() => `${E}[${this.below(3)}"q`,
			() => this.one([...STRINGS, ...UNKNOWN]),
			// The page counts lines it keeps above the screen; ESC 8 after ESC [3J would go by that.
			() => `${E}[3J${E}7`,
		];
	}

	line(i) {
		return `${i} ${'abcdefghij '.repeat(1 + this.below(9))}end`;
	}

	flood() {
		const count = 1 + this.below(2500);
		const lines = (make) => this.repeat(count, (_, i) => make(i)).join('\r\n');
		return this.one([
			() => lines((i) => this.line(i)),
			() => lines((i) => this.line(i)),
			() => lines((i) => `${E}[${this.color()}m${this.line(i)}${this.one([`${E}[m`, `${E}[39m`, ''])} more`),
			() => `${lines(String)}\r\n`,
			() => lines(() => 'x'.repeat(this.below(1000))),
			() => lines(() => this.one(WORDS).repeat(this.below(40))),
			() => 'x'.repeat(this.below(90000)),
			() => this.repeat(count, (_, i) => `\r${i}%`).join(''),
			() => 'line\n'.repeat(count),
			() => `${E}[${1 + this.below(10)};${12 + this.below(12)}r`,
			() => `${E}[r`,
			() => this.one(['[?1049h', '[?1049l', '7', '8', '[?7l', '[?7h', '[H', '[2J', '(0', '(B', '[4h', '[4l', 'c', '[5;7H', '[31m', '[m'])
				.replace(/^/, E),
		])();
	}
}
