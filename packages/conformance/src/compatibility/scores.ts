/** @file How many of PyTorch's recorded cases each of its names passes. */
import type { Area, Source } from '../area.ts';
import { areas } from '../areas/index.ts';
import { findFunction } from '../names.ts';
import { type GroupResult, runArea } from '../run.ts';

/** The cases of one name. */
export interface Score {
  passed: number;
  total: number;
  /** Why the first that does not pass does not. */
  missing: string | null;
  /** Whether cases with complex numbers are all that is missing. */
  onlyComplex: boolean;
}

export type Scores = Map<string, Score>;

interface IndexEntry {
  readonly op: string;
  readonly variant: string;
  readonly file: string;
  readonly method: boolean;
  readonly inplace: boolean;
}

/** PyTorch's full names that a group of an area stands for. */
type NamesOf = (group: string) => readonly string[];

function opNames(source: Source): NamesOf {
  const { index } = JSON.parse(source.read('INDEX.json')) as { index: readonly IndexEntry[] };
  const entries = new Map(index.map((entry) => [entry.op + (entry.variant === '' ? '' : `.${entry.variant}`), entry]));
  return (group) => {
    const { op, file, method, inplace } = entries.get(group)!;
    return [op, ...aliasesIn(source.read(file)).filter((alias) => isSame(op, alias))].flatMap((name) => {
      if (name.includes('.')) return [name];
      return [`torch.${name}`, ...(method ? [`Tensor.${name}`] : []), ...(inplace ? [`Tensor.${name}_`] : [])];
    });
  };
}

/** PyTorch's other names for the op of a golden file. */
const aliasesIn = (text: string): string[] =>
  (/"aliases":\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '').split(/[\s",]+/).filter((alias) => alias !== '');

/** Whether a second name stands for the very same function here: then the cases say as much about it. */
const isSame = (op: string, alias: string): boolean =>
  alias !== op && findFunction(op) !== undefined && findFunction(op) === findFunction(alias);

const optimNames: NamesOf = (group) => [
  `optim.${group}`,
  `optim.lr_scheduler.${group}`,
  `optim.swa_utils.${group}`,
  `nn.utils.${group}`,
];

/** Runs the areas whose groups are names, and counts. `sources` are by area; `ops` may have several. */
export async function scoresOf(sources: readonly (readonly [area: string, source: Source])[]): Promise<Scores> {
  const scores: Scores = new Map();
  for (const [name, source] of sources) {
    const area = areas.find((candidate) => candidate.name === name) as Area;
    const namesOf = name === 'ops' ? opNames(source) : name === 'nn' ? (group: string) => [`nn.${group}`] : optimNames;
    for (const group of await runArea(area, source, { device: 'cpu' }))
      for (const full of namesOf(group.name)) add(scores, full, group);
  }
  return scores;
}

function add(scores: Scores, name: string, { cases }: GroupResult): void {
  const score = scores.get(name) ?? { passed: 0, total: 0, missing: null, onlyComplex: true };
  scores.set(name, score);
  for (const { id, verdict } of cases) {
    if (verdict.kind === 'notApplicable') continue;
    score.total++;
    if (verdict.kind === 'passed') {
      score.passed++;
      continue;
    }
    const complex = /complex/.test(id) || /complex/.test(verdict.reason);
    if (score.missing === null || (score.onlyComplex && !complex)) score.missing = brief(verdict.reason);
    score.onlyComplex &&= complex;
  }
}

/** A reason in one short line, without the form of the call. */
function brief(reason: string): string {
  const line = reason
    .split('\n')[0]!
    .replace(/^(function|method|in-place|[\w. ]+_?): /, '')
    .replaceAll('|', '/')
    .trim();
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}
