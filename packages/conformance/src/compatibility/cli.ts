/**
 * @file `npm run compatibility -- --golden DIR`: writes docs/compatibility.md. DIR has the areas' folders; without it the
 * fixtures are run, which have a part of the cases only.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fixtureSource, folderSource } from '../area.ts';
import { formatDocument, rowOf } from './document.ts';
import { allNames } from './names.ts';
import { scoresOf } from './scores.ts';

const { values } = parseArgs({ options: { golden: { type: 'string' } } });
const { golden } = values;

const folders = [
  ['ops', 'ops'],
  ['ops', 'ops-complex'],
  ['nn', 'nn'],
  ['optim', 'optim'],
] as const;

const sources =
  golden === undefined
    ? (['ops', 'nn', 'optim'] as const).map(
        (area) => [area, fixtureSource(new URL(`../../fixtures/${area}.json.gz`, import.meta.url))] as const,
      )
    : folders
        .filter(([, folder]) => existsSync(join(golden, folder)))
        .map(([area, folder]) => [area, folderSource(join(golden, folder))] as const);

const scores = await scoresOf(sources);
const rows = allNames().map((name) => rowOf(name, scores));
// `npm run` starts in the root.
const target = resolve('docs/compatibility.md');
writeFileSync(target, formatDocument(rows));
const existing = rows.filter((row) => row.status !== 'none').length;
console.log(`${target}: ${existing} of ${rows.length} names exist`);
