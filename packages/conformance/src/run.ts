/** @file Runs the groups of an area and counts. */
import type { Area, Selection, Source } from './area.ts';
import { knownGap } from './known-gaps.ts';
import { messageOf, type Verdict } from './verdict.ts';

export interface CaseResult {
  readonly id: string;
  readonly verdict: Verdict;
}

export interface GroupResult {
  readonly name: string;
  readonly cases: readonly CaseResult[];
}

export interface Totals {
  passed: number;
  failed: number;
  knownGaps: number;
  notApplicable: number;
}

export interface RunOptions {
  /** Runs only the cases that it accepts. */
  readonly only?: ((group: string, id: string) => boolean) | undefined;
  readonly onProgress?: ((group: string, totals: Totals) => void) | undefined;
  readonly onCase?: ((name: string) => void) | undefined;
}

/** Runs an area; results come group by group. Nothing that a case throws gets out. */
export async function runArea(
  area: Area,
  source: Source,
  selection: Selection,
  options: RunOptions = {},
): Promise<GroupResult[]> {
  const results: GroupResult[] = [];
  const totals: Totals = { passed: 0, failed: 0, knownGaps: 0, notApplicable: 0 };
  for (const { name, cases } of area.groups(source, selection)) {
    options.onProgress?.(name, totals);
    const done: CaseResult[] = [];
    for (const { id, run } of cases) {
      if (options.only !== undefined && !options.only(name, id)) continue;
      options.onCase?.(`${name}/${id}`);
      const verdict = excused(area.name, name, id, await settle(run), selection.device);
      count(totals, verdict);
      done.push({ id, verdict });
    }
    if (done.length > 0) results.push({ name, cases: done });
  }
  return results;
}

async function settle(run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

/** A failure that is listed in known-gaps.ts is one of those. */
function excused(area: string, op: string, id: string, verdict: Verdict, device: string): Verdict {
  if (verdict.kind !== 'failed') return verdict;
  const reason = knownGap(area, op, id, verdict.reason, device);
  return reason === undefined ? verdict : { kind: 'knownGap', reason };
}

function count(totals: Totals, verdict: Verdict): void {
  if (verdict.kind === 'passed') totals.passed++;
  else if (verdict.kind === 'failed') totals.failed++;
  else if (verdict.kind === 'knownGap') totals.knownGaps++;
  else totals.notApplicable++;
}

export function totalsOf(groups: readonly GroupResult[]): Totals {
  const totals: Totals = { passed: 0, failed: 0, knownGaps: 0, notApplicable: 0 };
  for (const group of groups) for (const { verdict } of group.cases) count(totals, verdict);
  return totals;
}

/** passed / (passed + failed + known gaps); 1 when nothing was asked. */
export function ratioOf({ passed, failed, knownGaps }: Totals): number {
  const asked = passed + failed + knownGaps;
  return asked === 0 ? 1 : passed / asked;
}
