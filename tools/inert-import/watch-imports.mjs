// @ts-check

/**
 * Imports the given modules and writes, as JSON into the file `--report`, everything that their top-level code did to the
 * outside world: files, sockets, processes, workers, native libraries, output, environment, timers. Nothing is
 * prevented, only recorded.
 *
 *   node watch-imports.mjs --report report.json module.mjs ...
 *
 * Each way out is replaced by a function that records its caller and then calls the original. The module loader reads
 * files too; calls that come straight from Node's own loader are left out.
 */
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import workerThreads from 'node:worker_threads';

const [, reportFile = '', ...modules] = process.argv.slice(2);
const { writeFileSync } = fs;
const { setImmediate } = globalThis;
Error.stackTraceLimit = 50;

/** @type {{ what: string, by: string }[]} */
const effects = [];

for (const [name, value] of Object.entries(fs)) {
  if (typeof value === 'function' && !/^[A-Z_]/.test(name)) watch('fs', fs, name);
}
for (const name of Object.keys(fs.promises)) {
  if (name !== 'constants') watch('fs.promises', fs.promises, name);
}
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']) {
  watch('child_process', childProcess, name);
}
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) watch('dns', dns, name);
watch('net', net.Socket.prototype, 'connect');
watch('net', net.Server.prototype, 'listen');
watch('dgram', dgram, 'createSocket');
watch('worker_threads', workerThreads, 'Worker');
watch('process', process, 'dlopen');
watch('process', process.stdout, 'write');
watch('process', process.stderr, 'write');
watch('globalThis', globalThis, 'fetch');
for (const name of ['setTimeout', 'setInterval', 'setImmediate']) watch('globalThis', globalThis, name);
watchEnvironment();
syncBuiltinESMExports();

const before = process.getActiveResourcesInfo();
for (const module of modules) await import(pathToFileURL(module).href);
await new Promise((resolve) => setImmediate(resolve));
const kept = process.getActiveResourcesInfo();
for (const resource of before) {
  const index = kept.indexOf(resource);
  if (index >= 0) kept.splice(index, 1);
}
for (const resource of kept) effects.push({ what: `keeps open: ${resource}`, by: '' });
writeFileSync(reportFile, JSON.stringify(effects));
process.exit();

/**
 * @param {string} group
 * @param {any} object
 * @param {string} name
 */
function watch(group, object, name) {
  const original = object[name];
  if (typeof original !== 'function') return;
  object[name] = new Proxy(original, {
    apply(target, self, args) {
      record(`${group}.${name}`);
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      record(`new ${group}.${name}`);
      return Reflect.construct(target, args, newTarget);
    },
  });
}

/** @param {string} what */
function record(what) {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const callers = frames.filter((frame) => !frame.includes(import.meta.url) && !frame.includes('at Reflect.'));
  const direct = callers[0] ?? '';
  // The loader opens native libraries only because someone asked it to.
  if (direct.includes('node:internal/modules/') && what !== 'process.dlopen') return;
  if (what.startsWith('process.env') && direct.includes('node:internal/')) return;
  const by = callers
    .map((frame) => /(?:\(|at )(file:\/\/\S+?|\/\S+?):\d+:\d+\)?$/.exec(frame)?.[1])
    .find((file) => file !== undefined);
  effects.push({ what, by: by ?? '' });
}

/** Reads of single variables are recorded; so is listing them. */
function watchEnvironment() {
  const { env } = process;
  const value = new Proxy(env, {
    get(target, key) {
      record(`process.env.${String(key)}`);
      return Reflect.get(target, key);
    },
    has(target, key) {
      record(`process.env.${String(key)}`);
      return Reflect.has(target, key);
    },
    ownKeys(target) {
      record('process.env');
      return Reflect.ownKeys(target);
    },
  });
  Object.defineProperty(process, 'env', { value });
}
