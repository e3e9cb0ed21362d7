// SPDX-License-Identifier: Apache-2.0
// What a hostile target prints to make a terminal type for it. Each is one write of the target.
const ESC = '\x1b';
const ENDS = ['\x07', `${ESC}\\`, '\u009c'];
const csi = (bodies) => bodies.flatMap((body) => [`${ESC}[${body}`, `\u009b${body}`]);
const osc = (bodies) => bodies.flatMap((body) => ENDS.map((end) => `${ESC}]${body}${end}`));
const dcs = (bodies) => bodies.flatMap((body) => [`${ESC}P${body}${ESC}\\`, `\u0090${body}\u009c`]);

/* Device attributes, status, modes, windows, keyboards: everything here asks for an answer. */
const questions = csi([
	'c', '0c', '1c', '?c', '?6c', '>c', '>0c', '>1c', '=c', '=0c', '<c',
	'5n', '6n', '0n', '7n', '?5n', '?6n', '?15n', '?25n', '?26n', '?53n', '?55n', '?56n', '?62n', '?63n', '?75n', '?85n', '?996n', '>n',
	'4$p', '20$p', '?1$p', '?7$p', '?25$p', '?47$p', '?1000$p', '?1004$p', '?1049$p', '?2004$p', '?2026$p', '?2027$p', '?2031$p', '?2048$p',
	'1t', '11t', '13t', '13;2t', '14t', '14;2t', '15t', '16t', '18t', '19t', '20t', '21t', '22;0t', '23;0t', '22;2t', '23;2t', '8;1;1t',
	'>q', '>0q', 'x', '0x', '1x', '1*y', '1;1;1;1;4;4*y', '0"v', '1$w', '2$w', '&u', '1$u', '2$u',
	'?u', '>1u', '<1u', '=1;1u', '?4m', '?1m', '>4;2m', '?1;1;0S', '?2;1;0S', '?1S', '#y', '#S', '?1;3$q', '>1;2t', "'z", "1'{", "'|",
]);
const strings = osc([
	'4;0;?', '4;1;?;2;?', '4;255;?', '4;1;rgb:00/00/00;2;?', '5;0;?', '10;?', '10;?;?;?', '11;?', '12;?', '13;?', '14;?', '17;?', '19;?',
	'52;c;?', '52;p;?', '52;;?', '52;s0;?', '50;?', '21;foreground=?', '60', '61', '99;i=1:p=?;', '7;?', '9;4;?', '133;?', '104;?',
	'777;notify;a;b', '1337;ReportCellSize', '1337;ReportVariable=c2Vzc2lvbi5uYW1l', '1337;RequestUpload=format=tgz', '633;?',
	'2;$(reboot)', 'l;x', 'L', 'I/etc/passwd', '0;x',
]);
const controls = dcs([
	'$qm', '$q"p', '$q"q', '$qr', '$qs', '$qt', '$q q', '$q$|', '$qz', '0$qm', '1$qm', '+q544e', '+q436f;524742', '+q6b31', '+Q', '=1s', '=2s',
	'>|x', '$pTERM', '1$tx', '!|0', '|x', '1;1|17/17', '{x', 'q"1;1;1;1', 'tmux;\x1b\x1b[c', '>0q', '@kitty-cmd{"cmd":"ls"}',
]);
const others = [
	`${ESC}Z`, '\u009a', '\x05', '\x05\x05\x05', `${ESC}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA${ESC}\\`, `${ESC}_query${ESC}\\`, `${ESC}^private${ESC}\\`,
	`${ESC}X string ${ESC}\\`, `${ESC} F${ESC}[c`, `${ESC} G${ESC}[6n`, `${ESC}[?1004h`, `${ESC}[?1004h${ESC}[?1004l`, `${ESC}[?2048h`, `${ESC}[?2031h`,
	`${ESC}[?1000;1002;1003;1006;1015;1016h`, `${ESC}[?1000;1002;1003;1006;1015;1016l`, `${ESC}[?9001h`, `${ESC}[?2l${ESC}Z${ESC}<`, `${ESC}[5i`, `${ESC}[?5i`,
	`${ESC}[4i`, `${ESC}[62;1"p`, `${ESC}[?3h${ESC}[?3l`, `${ESC}c${ESC}[c`, `${ESC}[!p${ESC}[>c`, `${ESC}[`, `${ESC}`, `${ESC}P`, `${ESC}\\`,
	`${ESC}[6n`.repeat(40), `${ESC}]10;?${ESC}]11;?\x07`, `${ESC}[?1049h${ESC}[6n${ESC}[?1049l`, `${ESC}[99999;99999H${ESC}[6n`,
];

export const ESCAPES = [...questions, ...strings, ...controls, ...others];
