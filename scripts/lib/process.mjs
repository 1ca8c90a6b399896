// Running the workspace's tools from its scripts.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(fileURLToPath(import.meta.url), '../../..');
const bin = path.join(root, 'node_modules', '.bin');

/** Runs node_modules/.bin/NAME, or any program on the path, with inherited output; resolves to its exit status. */
export function runTool(name, args, options = {}) {
  const { quiet = false, ...rest } = options;
  const windows = process.platform === 'win32';
  const file = path.join(bin, windows ? `${name}.cmd` : name);
  const installed = existsSync(file);
  return new Promise((resolve, reject) => {
    const child = spawn(installed ? file : name, args, {
      cwd: root,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: windows && installed,
      ...rest,
    });
    const output = [];
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      if (quiet && status !== 0) process.stderr.write(Buffer.concat(output));
      resolve(status ?? 1);
    });
  });
}
