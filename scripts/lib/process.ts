// Running the workspace's tools from its scripts.
import { type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(fileURLToPath(import.meta.url), '../../..');
const bin = path.join(root, 'node_modules', '.bin');

interface ToolOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Print the tool's output only if it fails. */
  quiet?: boolean;
}

/** Runs node_modules/.bin/NAME, or any program on the path; resolves to its exit status. */
export function runTool(name: string, args: readonly string[], options: ToolOptions = {}): Promise<number> {
  const { quiet = false, cwd = root, env = process.env } = options;
  const windows = process.platform === 'win32';
  const file = path.join(bin, windows ? `${name}.cmd` : name);
  const installed = existsSync(file);
  const settings: SpawnOptions = {
    cwd,
    env,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    shell: windows && installed,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(installed ? file : name, args, settings);
    const output: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      if (quiet && status !== 0) process.stderr.write(Buffer.concat(output));
      resolve(status ?? 1);
    });
  });
}
