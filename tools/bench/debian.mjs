// @ts-check
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

/** Where the packages' files lie, and a file that names the packages. @param {string} folder */
export function unpackedIn(folder) {
  return { root: join(folder, 'root'), names: join(folder, 'packages.txt') };
}

/**
 * Fetches a package of Debian sid with everything it needs, C library and all, and unpacks it into `folder` beside the
 * system, whose own packages stay as they are.
 * @param {string} folder @param {string} name
 */
export async function unpackDebian(folder, name) {
  for (const one of ['lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(folder, one), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(
    join(folder, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${debianMirror()} sid main\n`,
  );
  const options = Object.entries({
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Install-Recommends': '0',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  await run('apt-get', [...options, 'update']);
  await run('apt-get', [...options, 'install', '--download-only', '-y', name]);
  await run('sh', ['-c', 'for package in cache/archives/*.deb; do dpkg -x "$package" root; done'], folder);
  const archives = readdirSync(join(folder, 'cache/archives')).filter((file) => file.endsWith('.deb'));
  writeFileSync(unpackedIn(folder).names, `${archives.sort().map(decodeURIComponent).join('\n')}\n`);
}

/** The one that this system uses. */
function debianMirror() {
  const file = '/etc/apt/sources.list.d/debian.sources';
  const [, mirror] = /^URIs:\s*(\S+)/m.exec(existsSync(file) ? readFileSync(file, 'utf8') : '') ?? [];
  if (mirror === undefined) throw new Error(`${file} names no mirror; put llama-bench on PATH instead`);
  return mirror;
}
