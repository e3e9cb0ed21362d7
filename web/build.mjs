// SPDX-License-Identifier: Apache-2.0
//
// Builds the pages into a directory that the front embeds (tools/embed-assets.mjs):
//
//   node web/build.mjs --out DIR [--stamp FILE] [--depfile FILE]
//   node web/build.mjs --check          types only
//
// DIR gets index.html, its scripts and styles named by their content, the icon, a .br beside each,
// and manifest.json, which says where each file is served and with what. Equal sources make equal
// bytes. Needs `npm ci` in web/ once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

import { inputs as tables, typescript } from '../tools/view-to-typescript.mjs';

const web = dirname(fileURLToPath(import.meta.url));
const TYPES = {
	html: 'text/html; charset=utf-8',
	js: 'text/javascript; charset=utf-8',
	css: 'text/css; charset=utf-8',
	svg: 'image/svg+xml',
	txt: 'text/plain; charset=utf-8',
};
const FOREVER = 'public, max-age=31536000, immutable';

/* One policy for the page: nothing inline, nothing from elsewhere, no string ever becomes code. */
const POLICY = [
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
	"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	"require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

function fail(words) {
	process.stderr.write(`web/build.mjs: ${words}\n`);
	process.exit(1);
}

function options(argv) {
	const found = {};
	for (let i = 0; i < argv.length; i++) {
		const name = argv[i].replace(/^--/, '');
		if (name === 'check')
			found.check = true;
		else if (['out', 'stamp', 'depfile'].includes(name) && i + 1 < argv.length)
			found[name] = resolve(argv[++i]);
		else
			fail(`unknown argument ${argv[i]}`);
	}
	if (!found.check && !found.out)
		fail('--out or --check is needed');
	return found;
}

/*
 * The terminal library puts <style> elements and style attributes into the page, which the policy
 * refuses. The four places are led to lib/sheet.ts. A version with other places fails the build.
 */
const strictStyles = {
	name: 'strict-styles',
	setup(build) {
		const places = [
			[/\b[\w$.]+\.createElement\("style"\)/g, '__styleElement()', 3],
			[/\b([\w$]+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{([\w$]+)\};`\)/g,
				'__addStyle($1,$2)', 1],
		];
		build.onLoad({ filter: /@xterm[/\\]xterm[/\\]lib[/\\]xterm\.mjs$/ }, ({ path }) => {
			let code = readFileSync(path, 'utf8');
			for (const [pattern, instead, count] of places) {
				const found = code.match(pattern)?.length ?? 0;
				if (found !== count)
					return { errors: [{ text: `${basename(path)}: ${found} places like ${pattern}, not ${count}` }] };
				code = code.replace(pattern, instead);
			}
			if (/createElement\(["'`]style|setAttribute\(["'`]style|innerHTML|insertAdjacentHTML/.test(code))
				return { errors: [{ text: `${basename(path)}: writes styles or markup in a new way` }] };
			return {
				contents: `import {styleElement as __styleElement,addStyle as __addStyle} from "./lib/sheet.ts";${code}`,
				loader: 'js',
				resolveDir: web,
			};
		});
	},
};

/* The tables enter by name and not by path: names of files must not depend on where we build. */
const view = {
	name: 'view',
	setup(build) {
		build.onResolve({ filter: /^#view$/ }, () => ({ path: 'view', namespace: 'tables' }));
		build.onLoad({ filter: /./, namespace: 'tables' }, () => ({ contents: typescript(), loader: 'ts' }));
	},
};

function checkTypes() {
	const generated = mkdtempSync(join(tmpdir(), 'sallyport-web-'));
	process.on('exit', () => rmSync(generated, { recursive: true, force: true }));
	writeFileSync(join(generated, 'view.ts'), typescript());
	const configuration = join(generated, 'tsconfig.json');
	writeFileSync(configuration, JSON.stringify({
		extends: join(web, 'tsconfig.json'),
		compilerOptions: { paths: { '#view': [join(generated, 'view.ts')] }, allowImportingTsExtensions: true },
		include: [join(web, 'lib'), join(web, 'viewer')],
	}));
	const tsc = join(web, 'node_modules/typescript/bin/tsc');
	const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', configuration], { encoding: 'utf8' });
	if (status !== 0)
		fail(`types:\n${stdout}${stderr}`);
}

async function bundle() {
	const { build } = await import('esbuild');
	return build({
		absWorkingDir: web,
		assetNames: 'app-[hash]',
		bundle: true,
		chunkNames: 'chunk-[hash]',
		entryNames: 'app-[hash]',
		entryPoints: ['viewer/viewer.ts'],
		format: 'esm',
		legalComments: 'eof',
		logLevel: 'warning',
		metafile: true,
		minify: true,
		outdir: '/',
		plugins: [strictStyles, view],
		splitting: true,
		target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
		write: false,
	});
}

const named = (name, bytes) => {
	const [stem, extension] = name.split('.');
	return `${stem}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()}.${extension}`;
};

/* What the licences of the bundled packages ask for: their text goes wherever the bundle goes. */
function licences() {
	const { dependencies } = JSON.parse(readFileSync(join(web, 'package.json'), 'utf8'));
	const texts = Object.entries(dependencies).map(([name, version]) =>
		`${name} ${version}\n\n${readFileSync(join(web, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`);
	return Buffer.from(`The pages contain these packages.\n\n${texts.join('\n\n')}`);
}

function pageFiles(result) {
	const files = new Map(result.outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
	const icon = readFileSync(join(web, 'viewer/favicon.svg'));
	const iconName = named('favicon.svg', icon);
	files.set(iconName, icon);
	const licence = licences();
	const licenceName = named('licences.txt', licence);
	files.set(licenceName, licence);
	const [script, { cssBundle }] = Object.entries(result.metafile.outputs)
		.find(([, { entryPoint }]) => entryPoint === 'viewer/viewer.ts');
	const names = {
		'viewer.js': basename(script),
		'viewer.css': basename(cssBundle),
		'favicon.svg': iconName,
		'licences.txt': licenceName,
	};
	const html = readFileSync(join(web, 'viewer/index.html'), 'utf8')
		.replace(/\{\{([^}]*)\}\}/g, (_, name) => `/assets/${names[name] ?? fail(`index.html names ${name}`)}`)
		.replace(/\n[\t ]+/g, '\n');
	files.set('index.html', Buffer.from(html));
	return files;
}

function brotli(bytes) {
	const packed = brotliCompressSync(bytes, { params: {
		[constants.BROTLI_PARAM_QUALITY]: 11,
		[constants.BROTLI_PARAM_LGWIN]: 22,
		[constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
	} });
	return packed.length < bytes.length ? packed : null;
}

function write(out, files) {
	rmSync(out, { recursive: true, force: true });
	mkdirSync(out, { recursive: true });
	const listed = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, bytes]) => {
		const isPage = file === 'index.html';
		const packed = brotli(bytes);
		writeFileSync(join(out, file), bytes);
		if (packed !== null)
			writeFileSync(join(out, `${file}.br`), packed);
		return {
			file,
			brotli: packed === null ? null : `${file}.br`,
			type: TYPES[file.split('.').pop()],
			routes: isPage ? ['/modulos/auth', '/session/*'] : [`/assets/${file}`],
			cache: isPage ? 'no-store' : FOREVER,
		};
	});
	const headers = {
		'Content-Security-Policy': POLICY,
		'Permissions-Policy': 'camera=(), clipboard-read=(self), clipboard-write=(self), display-capture=(), '
			+ 'fullscreen=(self), geolocation=(), microphone=(), payment=(), usb=()',
		'Referrer-Policy': 'no-referrer',
		'Cross-Origin-Opener-Policy': 'same-origin',
		'Cross-Origin-Resource-Policy': 'same-origin',
		'X-Content-Type-Options': 'nosniff',
	};
	writeFileSync(join(out, 'manifest.json'), `${JSON.stringify({ headers, files: listed }, null, '\t')}\n`);
	return listed;
}

function sources(metafile) {
	const viewer = readdirSync(join(web, 'viewer')).map((name) => join(web, 'viewer', name));
	const inputs = Object.keys(metafile.inputs).map((path) => resolve(web, path.replace(/^[\w-]+:/, '')));
	const own = ['build.mjs', 'tsconfig.json', 'package-lock.json'].map((name) => join(web, name));
	const generator = resolve(web, '../tools/view-to-typescript.mjs');
	return [...new Set([...viewer, ...inputs, ...own, ...tables, generator])].filter((path) => existsSync(path)).sort();
}

const { check, out, stamp, depfile } = options(process.argv.slice(2));
if (!existsSync(join(web, 'node_modules/esbuild')) || !existsSync(join(web, 'node_modules/typescript')))
	fail('its packages are missing: run `npm ci --ignore-scripts` in web/');
checkTypes();
if (!check) {
	const result = await bundle();
	const listed = write(out, pageFiles(result));
	const depended = sources(result.metafile);
	if (depfile)
		writeFileSync(depfile, `${stamp}: ${depended.map((path) => path.replace(/ /g, '\\ ')).join(' ')}\n`);
	if (stamp)
		writeFileSync(stamp, `${listed.map(({ file }) => file).join('\n')}\n`);
}
