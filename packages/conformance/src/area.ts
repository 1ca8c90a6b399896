/** @file What an area of goldens is to the runner: named groups of cases, read from a folder or a compressed fixture. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Verdict } from './verdict.ts';

/** Golden files by name. */
export interface Source {
  readonly names: readonly string[];
  /** The text of a file. @throws when there is none. */
  read(name: string): string;
}

/** The files of a folder. */
export function folderSource(folder: string): Source {
  return {
    names: readdirSync(folder).filter((name) => name.endsWith('.json')),
    read: (name) => readFileSync(join(folder, name), 'utf8'),
  };
}

/** A gzipped JSON record of file names and texts, see scripts/make-fixtures.ts. */
export function fixtureSource(file: string | URL): Source {
  const files = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as Record<string, string>;
  return {
    names: Object.keys(files),
    read(name) {
      const text = files[name];
      if (text === undefined) throw new Error(`the fixture has no file ${name}`);
      return text;
    },
  };
}

/** The area that a folder's INDEX.json (or else its name) says it belongs to. */
export function guessArea(folder: string): string | undefined {
  const index = join(folder, 'INDEX.json');
  if (existsSync(index)) {
    const content = JSON.parse(readFileSync(index, 'utf8')) as { area?: string; tiers?: object };
    if (content.area !== undefined) return content.area;
    if (content.tiers !== undefined) return 'ops';
  }
  return /(?:^|[/\\])(ops|nn|optim|rng|repr)(?:-complex)?[/\\]?$/.exec(folder)?.[1];
}

export interface Case {
  readonly id: string;
  run(): Promise<Verdict>;
}

export interface Group {
  /** As printed, e.g. `nn.functional.conv2d`. */
  readonly name: string;
  readonly cases: readonly Case[];
}

export interface Selection {
  readonly device: string;
  /** Tiers of `ops`; all without it. */
  readonly tiers?: readonly string[] | undefined;
  /** Group (or op) names; all without it. Either PyTorch's or our spelling. */
  readonly ops?: readonly string[] | undefined;
}

export interface Area {
  readonly name: string;
  /** The area whose goldens it reads, where these are not its own. */
  readonly goldens?: string;
  /** The groups that a selection asks for, each made when it is its turn. */
  groups(source: Source, selection: Selection): Iterable<Group>;
}
