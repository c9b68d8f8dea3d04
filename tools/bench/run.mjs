// @ts-check
import { spawn } from 'node:child_process';

/**
 * Runs a program to its end and gives its stdout; what it says on stderr is in the error if it fails.
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {string} [cwd]
 * @param {Record<string, string>} [env] added to this process's
 * @returns {Promise<string>}
 */
export function run(program, argv, cwd, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${program} ended with ${signal ?? code}\n${errors.slice(-2000)}`));
    });
  });
}
