// Fills `dist/` with what the binary embeds: the viewers from npm, as they come or bundled here, and our own page assets.
//
// Every bundle lies in a folder whose name holds a hash of the bundle's content, so that its files may be cached for ever and
// still find each other by relative URLs. What Brotli makes smaller is stored compressed only, as `<path>.br`.
// `dist/manifest.json` maps the logical name of each file (`viewers/mirador/mirador.js`) to the path it is served under.
//
//     node build.mjs            builds what changed
//     node build.mjs --check    exits 1 when dist/ is missing or stale, writes nothing

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { build } from 'esbuild';

const brotli = promisify(zlib.brotliCompress);
const root = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(root, 'node_modules');
const dist = path.join(root, 'dist');
const started = Date.now();

const MEDIA_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

// Which files of which package a viewer needs. Source maps and module builds stay behind.
const VIEWERS = [
  { name: 'openseadragon', from: { openseadragon: ['build/openseadragon/openseadragon.min.js'] } },
  {
    name: 'leaflet',
    from: {
      leaflet: ['dist/leaflet.js', 'dist/leaflet.css', 'dist/images/'],
      'leaflet-iiif': ['leaflet-iiif.js'],
    },
  },
  // The Universal Viewer fetches its chunks by name from the folder of UV.js, hence the whole folder.
  { name: 'uv', from: { universalviewer: ['dist/uv.css', 'dist/umd/'] } },
];

// Viewers of several packages that share their own dependencies: made of the modules in `viewers/`, each of which is an entry.
const BUNDLED = [{ name: 'mirador', entries: ['mirador', 'annotation-editor'], packages: ['mirador', 'mirador-annotation-editor'] }];

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** The files of one npm package that a viewer needs, as `[name inside the bundle, bytes]`. */
async function packageFiles(name, wanted) {
  const folder = path.join(modules, name);
  const found = [];
  for (const item of wanted) {
    const base = item.replace(/^(dist|build\/openseadragon)\//, '');
    if (!item.endsWith('/')) {
      found.push([base, await readFile(path.join(folder, item))]);
      continue;
    }
    for (const file of await filesBelow(path.join(folder, item))) {
      if (!file.endsWith('.map')) found.push([base + file, await readFile(path.join(folder, item, file))]);
    }
  }
  return found;
}

/** `sourceMappingURL` comments name files that are not served: browsers' tools would ask for them in vain. */
function withoutSourceMap(name, bytes) {
  if (!/\.(js|css)$/.test(name)) return bytes;
  const text = bytes.toString('utf8');
  const bare = text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '\n').replace(/\n?\/\*# sourceMappingURL=\S+ \*\/\s*$/, '\n');
  return bare === text ? bytes : Buffer.from(bare);
}

async function ownBundle() {
  const folder = path.join(root, 'ui');
  const files = [];
  for (const file of await filesBelow(folder)) files.push([file, await readFile(path.join(folder, file))]);
  return { name: 'ui', files };
}

async function viewerBundles() {
  const bundles = [];
  for (const viewer of VIEWERS) {
    const files = [];
    for (const [name, wanted] of Object.entries(viewer.from)) {
      for (const [file, bytes] of await packageFiles(name, wanted)) files.push([file, withoutSourceMap(file, bytes)]);
    }
    bundles.push({ name: `viewers/${viewer.name}`, files: files.sort(([a], [b]) => (a < b ? -1 : 1)) });
  }
  return bundles;
}

/** A viewer bundled here. What several entries need is in files of their own, so that a page loads no more than it uses. */
async function bundled({ name, entries }) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => `viewers/${entry}.js`),
    outdir: dist,
    entryNames: '[name]',
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'dataurl', '.woff2': 'dataurl' },
    write: false,
    logLevel: 'error',
  });
  const files = result.outputFiles.map((file) => [path.relative(dist, file.path), Buffer.from(file.contents)]);
  return { name: `viewers/${name}`, files: files.sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** Names, versions and licence texts of everything that may be inside the viewers' builds; equal texts appear once. */
async function notices() {
  const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const shipped = new Set([...VIEWERS.flatMap((viewer) => Object.keys(viewer.from)), ...BUNDLED.flatMap((viewer) => viewer.packages)]);
  const byText = new Map();
  for (const [where, entry] of Object.entries(lock.packages)) {
    if (!where || entry.dev || entry.optional) continue;
    const name = where.slice(where.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const folder = path.join(root, where);
    const licences = await readdir(folder).then((all) => all.filter((f) => /^(licen[cs]e|notice|copying)/i.test(f)), () => []);
    let text = '';
    for (const file of licences.sort()) {
      if ((await stat(path.join(folder, file))).isFile()) text += (await readFile(path.join(folder, file), 'utf8')).trim() + '\n';
    }
    const key = text || `Licence as declared by the package: ${entry.license ?? 'see its home page'}\n`;
    byText.set(key, [...(byText.get(key) ?? []), `${shipped.has(name) ? '* ' : '  '}${name} ${entry.version}${entry.license ? ` (${entry.license})` : ''}`]);
  }
  const parts = ['Third-party software in the viewers that Recto serves.', 'A star marks the viewers themselves; the others are the packages they are built from.', ''];
  const rule = '-'.repeat(78);
  const first = (names) => (names.some((n) => n.startsWith('*')) ? 0 : 1);
  for (const [text, names] of [...byText].sort((a, b) => first(a[1]) - first(b[1]))) parts.push(rule, ...[...new Set(names)].sort(), rule, '', text);
  return { name: 'about', files: [['NOTICES.txt', Buffer.from(parts.join('\n'))]] };
}

/** The folder name of a bundle: its name and a hash of every file name and content in it. */
function servedFolder(bundle) {
  const hash = createHash('sha256');
  for (const [file, bytes] of bundle.files) hash.update(file).update('\0').update(sha256(bytes));
  return `${bundle.name}-${hash.digest('hex').slice(0, 12)}`;
}

async function exists(file) {
  return stat(file).then(() => true, () => false);
}

/** Writes one file (compressed when that helps) and gives its manifest entry. Files that lie there already are kept. */
async function store(logical, served, bytes) {
  const media_type = MEDIA_TYPES[path.extname(logical)];
  if (!media_type) throw new Error(`no media type is known for ${logical}: add its extension to MEDIA_TYPES`);
  const entry = { path: served, media_type, size: bytes.length, sha256: sha256(bytes) };
  const target = path.join(dist, served);
  const compressible = !/\.(png|gif|woff2)$/.test(logical) && bytes.length > 200;
  if (compressible && (await exists(`${target}.br`))) return { ...entry, stored: 'br', stored_size: (await stat(`${target}.br`)).size };
  if (await exists(target)) return { ...entry, stored: 'identity', stored_size: bytes.length };
  await mkdir(path.dirname(target), { recursive: true });
  if (compressible) {
    const packed = await brotli(bytes, {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_LGWIN]: 22, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    if (packed.length < bytes.length * 0.95) {
      await writeFile(`${target}.br`, packed);
      return { ...entry, stored: 'br', stored_size: packed.length };
    }
  }
  await writeFile(target, bytes);
  return { ...entry, stored: 'identity', stored_size: bytes.length };
}

async function removeStale(manifest) {
  const wanted = new Set(['manifest.json']);
  for (const entry of Object.values(manifest.files)) wanted.add(entry.stored === 'br' ? `${entry.path}.br` : entry.path);
  for (const file of await filesBelow(dist)) if (!wanted.has(file)) await rm(path.join(dist, file));
}

async function main() {
  if (!(await exists(modules))) {
    console.error('web: node_modules is missing; run `npm ci --ignore-scripts` in web/ first');
    process.exit(1);
  }
  const bundles = [await ownBundle(), ...(await viewerBundles()), ...(await Promise.all(BUNDLED.map(bundled))), await notices()];
  const planned = bundles.flatMap((bundle) => {
    const folder = servedFolder(bundle);
    return bundle.files.map(([file, bytes]) => ({ logical: `${bundle.name}/${file}`, served: `${folder}/${file}`, bytes }));
  });
  if (process.argv.includes('--check')) {
    const manifest = await readFile(path.join(dist, 'manifest.json'), 'utf8').then(JSON.parse, () => ({ files: {} }));
    const stale = planned.filter(({ logical, served }) => manifest.files[logical]?.path !== served);
    if (stale.length) console.error(`web: dist/ is stale (${stale.length} files, first ${stale[0].logical}); run \`node build.mjs\``);
    process.exit(stale.length ? 1 : 0);
  }
  // The biggest first, so that the compressor's threads end at about the same time.
  const bySize = [...planned].sort((a, b) => b.bytes.length - a.bytes.length);
  const entries = new Map();
  await Promise.all(bySize.map(async ({ logical, served, bytes }) => entries.set(logical, await store(logical, served, bytes))));
  const manifest = { files: Object.fromEntries(planned.map(({ logical }) => [logical, entries.get(logical)])) };
  const text = JSON.stringify(manifest, null, 1) + '\n';
  const old = await readFile(path.join(dist, 'manifest.json'), 'utf8').catch(() => '');
  if (old !== text) await writeFile(path.join(dist, 'manifest.json'), text);
  await removeStale(manifest);
  const sum = (key) => Object.values(manifest.files).reduce((total, entry) => total + entry[key], 0);
  console.log(`web: ${planned.length} files, ${(sum('size') / 1e6).toFixed(1)} MB, stored as ${(sum('stored_size') / 1e6).toFixed(1)} MB, ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

await main();
