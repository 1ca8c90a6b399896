// What every `npm run` command of this workspace starts: installs the pinned pnpm, Node and packages when they are
// missing or outdated, then runs the command with them. It needs nothing but Node and npm, and its own syntax is old on
// purpose: an old Node must get as far as the message that says so.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const modules = path.join(root, 'node_modules');
const stampFile = path.join(modules, '.flambeau-install');
const lockFile = path.join(root, '.flambeau-install.lock');
const OLDEST_NODE = [22, 18];
const HEARTBEAT_MS = 1000;
const STALE_LOCK_MS = 15000;
let interrupted = false;

const source = ['--conditions=flambeau-source'];
const commands = {
  start: ['scripts/start.ts'],
  test: ['scripts/test.ts'],
  conformance: source.concat('packages/conformance/src/cli.ts'),
  compatibility: source.concat('packages/conformance/src/compatibility/cli.ts'),
  bench: source.concat('apps/bench/src/cli.ts'),
  playground: ['scripts/tool.ts', 'vite', 'apps/playground'],
  build: ['scripts/build.ts'],
  typecheck: ['scripts/tool.ts', 'tsc', '--noEmit'],
  lint: ['scripts/tool.ts', 'biome', 'check', '--error-on-warnings'],
  format: ['scripts/tool.ts', 'biome', 'check', '--write'],
  'check:imports': ['scripts/check-imports.ts'],
  'check:changesets': ['scripts/check-changesets.ts'],
  'check:pack': ['scripts/check-pack.ts'],
  exec: ['scripts/tool.ts'],
};

main(process.argv[2], process.argv.slice(3)).then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(error instanceof Failure ? `\n${error.message}` : error);
    process.exitCode = 1;
  },
);

class Failure extends Error {}

async function main(name, args) {
  if (!Object.hasOwn(commands, name)) {
    console.error(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
    return 2;
  }
  if (!isInstalled()) await install();
  const env = environment();
  const script = commands[name];
  const file = script.find((word) => word.endsWith('.mjs') || word.endsWith('.ts'));
  if (!fs.existsSync(path.join(root, file))) throw new Failure(`'${name}' needs ${file}, which does not exist.`);
  return run(pinnedNode(), script.concat(args), { env, stdio: 'inherit' });
}

/** The pinned Node on Linux; elsewhere, and where its binary cannot run (musl), the one that runs this script. */
function pinnedNode() {
  const pinned = path.join(modules, `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform === 'linux' && fs.existsSync(pinned) && !fs.existsSync(`${stampFile}-outer`)) return pinned;
  const version = process.versions.node.split('.').map(Number);
  if (version[0] < OLDEST_NODE[0] || (version[0] === OLDEST_NODE[0] && version[1] < OLDEST_NODE[1])) {
    throw new Failure(
      `This workspace brings its own Node on Linux with glibc (x64, arm64) only. On ${process.platform}-${process.arch} it uses ` +
        `yours, which is ${process.versions.node}; please install Node ${OLDEST_NODE.join('.')} or newer (nodejs.org).`,
    );
  }
  return process.execPath;
}

/** The caller's environment without what npm adds for its own scripts, and with the pinned tools first on the path. */
function environment() {
  const env = Object.assign({}, process.env);
  for (const key of Object.keys(env)) {
    if (/^npm_(lifecycle|package|execpath|command)/i.test(key)) delete env[key];
  }
  const pathKey = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') || 'PATH';
  env[pathKey] = [path.join(modules, '.bin'), env[pathKey]].filter(Boolean).join(path.delimiter);
  env.TURBO_TELEMETRY_DISABLED = '1';
  env.DO_NOT_TRACK = '1';
  // npm puts our node_modules/.bin first, so only it knows which Node was there before; check-pack.ts tries that one.
  env.FLAMBEAU_OUTER_NODE = env.npm_node_execpath || process.execPath;
  const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';
  if (!env.VK_ICD_FILENAMES && fs.existsSync(softwareVulkan)) env.VK_ICD_FILENAMES = softwareVulkan;
  if (process.platform === 'linux' && !env.XDG_RUNTIME_DIR) env.XDG_RUNTIME_DIR = os.tmpdir();
  return env;
}

/** Everything that decides what an install produces. */
function installHash() {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const folder of workspaceFolders()) files.push(`${folder}/package.json`);
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const file of files) hash.update(`${file}\n`).update(fs.readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

function workspaceFolders() {
  const folders = [];
  for (const parent of ['apps', 'packages']) {
    for (const name of fs.readdirSync(path.join(root, parent)).sort()) {
      if (fs.existsSync(path.join(root, parent, name, 'package.json'))) folders.push(`${parent}/${name}`);
    }
  }
  return folders;
}

function isInstalled() {
  let stamp;
  try {
    stamp = fs.readFileSync(stampFile, 'utf8');
  } catch {
    return false;
  }
  return stamp === installHash() && ['.'].concat(workspaceFolders()).every(hasItsModules);
}

function hasItsModules(folder) {
  const manifest = readJson(path.join(root, folder, 'package.json'));
  const needed = Object.assign({}, manifest.dependencies, manifest.devDependencies);
  return Object.keys(needed).every((name) => fs.existsSync(path.join(root, folder, 'node_modules', name)));
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

async function install() {
  const unlock = await lock();
  try {
    if (isInstalled()) return; // somebody else did it while we waited
    const hash = installHash();
    // No stamp while an install runs: one that is interrupted is done again.
    fs.rmSync(stampFile, { force: true });
    const pnpm = pnpmCommand();
    console.error(`Installing packages with ${pnpm.label}, from pnpm-lock.yaml ...`);
    const began = Date.now();
    const status = await run(pnpm.file, pnpm.args.concat('install', '--frozen-lockfile'), {
      stdio: ['ignore', 2, 2],
      shell: pnpm.shell,
      env: environment(),
    });
    if (interrupted) throw new Failure('Interrupted; the next run starts the installation again.');
    if (status !== 0) throw new Failure(installAdvice(status));
    markWhichNode();
    fs.writeFileSync(`${stampFile}.new`, hash);
    fs.renameSync(`${stampFile}.new`, stampFile);
    console.error(`Installed in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`);
  } finally {
    unlock();
  }
}

/** The installed pnpm if it is the pinned version, else the one that npm fetches. */
function pnpmCommand() {
  const pin = readJson(path.join(root, 'package.json')).packageManager;
  const windows = process.platform === 'win32';
  try {
    const installed = readJson(path.join(modules, 'pnpm', 'package.json')).version;
    if (`pnpm@${installed}` === pin && !windows) {
      return { label: pin, file: path.join(modules, '.bin', 'pnpm'), args: [], shell: false };
    }
  } catch {
    // not installed yet
  }
  const npm = process.env.npm_execpath || '';
  if (path.basename(npm) === 'npm-cli.js') {
    const args = [npm, 'exec', '--yes', `--package=${pin}`, '--', 'pnpm'];
    return { label: `${pin} (fetched by npm)`, file: process.execPath, args, shell: false };
  }
  return { label: `${pin} (fetched by npx)`, file: 'npx', args: ['--yes', pin], shell: windows };
}

function installAdvice(status) {
  return (
    `Installing failed (status ${status}); the messages above say why. What usually helps:\n` +
    '  - no network or a proxy: check that `npm ping` works, or set the registry in ~/.npmrc, then run this again;\n' +
    '  - ERR_PNPM_OUTDATED_LOCKFILE: a package.json changed; `npx pnpm install` (the pinned version) updates pnpm-lock.yaml;\n' +
    '  - anything left half-done: delete node_modules and run this again.'
  );
}

/** The pinned Node is built for glibc; remember where it does not start, so that later runs need not try it. */
function markWhichNode() {
  const mark = `${stampFile}-outer`;
  const pinned = path.join(modules, `node-linux-${process.arch}`, 'bin', 'node');
  fs.rmSync(mark, { force: true });
  if (fs.existsSync(pinned) && spawnSync(pinned, ['--version']).status !== 0) fs.writeFileSync(mark, '');
}

/** One install at a time. The holder touches the lock while it lives; one left behind by a killed process goes stale. */
async function lock() {
  for (let told = false; ; ) {
    try {
      fs.writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale()) {
      fs.rmSync(lockFile, { force: true });
      continue;
    }
    if (!told) console.error('Waiting for another install of this folder to finish ...');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const heartbeat = setInterval(() => {
    try {
      fs.utimesSync(lockFile, new Date(), new Date());
    } catch {
      // removed by hand: nothing to keep alive
    }
  }, HEARTBEAT_MS);
  return () => {
    clearInterval(heartbeat);
    fs.rmSync(lockFile, { force: true });
  };
}

function isStale() {
  try {
    return Date.now() - fs.statSync(lockFile).mtimeMs > STALE_LOCK_MS;
  } catch {
    return false; // released meanwhile
  }
}

/** Runs a program to its end and gives its exit status; signals reach it, and this process waits for it. */
function run(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, Object.assign({ cwd: root }, options));
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const forward = (signal) => {
      interrupted = true;
      child.kill(signal);
    };
    for (const signal of signals) process.on(signal, forward);
    const settle = () => {
      for (const signal of signals) process.removeListener(signal, forward);
    };
    child.on('error', (error) => {
      settle();
      reject(new Failure(`Could not run ${file}: ${error.message}`));
    });
    child.on('close', (status, signal) => {
      settle();
      resolve(signal ? 128 + os.constants.signals[signal] : status);
    });
  });
}
