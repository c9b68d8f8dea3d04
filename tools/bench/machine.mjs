// @ts-check
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

/** What a report says of the machine and of this checkout. */
export function machineLines() {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `# Measured on ${cpus()[0]?.model.trim() || 'an unnamed processor'}, ${new Date().toISOString().slice(0, 10)}`,
    '',
    `- ${availableParallelism()} virtual processors, ${memory}, ${platform()} ${arch()} ${release()}${instructions()}`,
    `- node ${process.version}; lowbit at ${commit()}`,
  ];
}

/** Those that bear on integer products. */
function instructions() {
  if (!existsSync('/proc/cpuinfo')) return '';
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  const known = ['avx2', 'avx_vnni', 'avx512_vnni', 'avx512_bf16', 'amx_int8', 'asimddp', 'i8mm'];
  const found = known.filter((name) => flags.includes(name));
  return found.length > 0 ? `; ${found.join(', ')}` : '';
}

function commit() {
  /** @param {readonly string[]} argv */
  const git = (...argv) => execFileSync('git', argv, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
    return `${git('rev-parse', '--short', 'HEAD')}${changed}`;
  } catch {
    return 'no commit';
  }
}
