// The packages of this workspace as they lie on disk.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './process.ts';

/** The fields of a package.json that the scripts look at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Record<string, unknown>;
  readonly sideEffects?: boolean | readonly string[];
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

export interface WorkspacePackage {
  /** Relative to the root: `packages/nn`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Every package and app, private ones included. */
export function workspacePackages(): WorkspacePackage[] {
  return ['packages', 'apps']
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')))
    .sort()
    .map((folder) => ({ folder, manifest: readJson<Manifest>(path.join(root, folder, 'package.json')) }));
}

/** The packages that are published. */
export function publicPackages(): WorkspacePackage[] {
  return workspacePackages().filter((one) => one.manifest.private !== true);
}

/** The TypeScript sources of a package: a Map from path relative to the package (`src/index.ts`) to text. */
export function sourcesOf(folder: string): Map<string, string> {
  const src = path.join(root, folder, 'src');
  if (!existsSync(src)) return new Map();
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(
    files.sort().map((file) => [`src/${file.replaceAll(path.sep, '/')}`, readFileSync(path.join(src, file), 'utf8')]),
  );
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
