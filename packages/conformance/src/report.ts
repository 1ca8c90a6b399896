/** @file The runner's output: a listing for people, a record for `--json` and `--baseline`. */
import { type GroupResult, type Totals, totalsOf } from './run.ts';

/** What `--json` writes. Cases are named `group/id`. */
export interface Report {
  readonly area: string;
  readonly device: string;
  readonly totals: Totals;
  readonly groups: Readonly<Record<string, Totals>>;
  readonly passed: readonly string[];
  readonly failed: Readonly<Record<string, string>>;
  readonly knownGaps: Readonly<Record<string, string>>;
  readonly notApplicable: Readonly<Record<string, string>>;
}

export function makeReport(area: string, device: string, groups: readonly GroupResult[]): Report {
  const passed: string[] = [];
  const failed: Record<string, string> = {};
  const knownGaps: Record<string, string> = {};
  const notApplicable: Record<string, string> = {};
  for (const { name, cases } of groups) {
    for (const { id, verdict } of cases) {
      const key = `${name}/${id}`;
      if (verdict.kind === 'passed') passed.push(key);
      else if (verdict.kind === 'failed') failed[key] = verdict.reason;
      else if (verdict.kind === 'knownGap') knownGaps[key] = verdict.reason;
      else notApplicable[key] = verdict.reason;
    }
  }
  const perGroup = Object.fromEntries(groups.map((group) => [group.name, totalsOf([group])]));
  return { area, device, totals: totalsOf(groups), groups: perGroup, passed, failed, knownGaps, notApplicable };
}

const asked = ({ passed, failed, knownGaps }: Totals): number => passed + failed + knownGaps;

const firstLine = (text: string): string => text.split('\n')[0]!;

/** Failing groups with passed/total and their first failure; those with the same reason throughout on one line. */
function listFailures(groups: readonly GroupResult[]): string[] {
  const lines: string[] = [];
  const missing: string[] = [];
  for (const group of groups) {
    const totals = totalsOf([group]);
    if (totals.failed === 0) continue;
    const first = group.cases.find(({ verdict }) => verdict.kind === 'failed')!;
    const reason = first.verdict.kind === 'failed' ? firstLine(first.verdict.reason) : '';
    if (totals.passed === 0 && reason.startsWith('not implemented')) missing.push(`${group.name} (${asked(totals)})`);
    else lines.push(`${group.name}: ${totals.passed}/${asked(totals)}  [${first.id}] ${reason}`);
  }
  if (missing.length > 0) lines.push('', `Not implemented (cases): ${missing.join(', ')}`);
  return lines;
}

/** Reasons with the number of cases each has. */
function listReasons(title: string, entries: Readonly<Record<string, string>>): string[] {
  const counts = new Map<string, number>();
  for (const reason of Object.values(entries)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  if (counts.size === 0) return [];
  return ['', `${title}:`, ...[...counts].map(([reason, count]) => `  ${count} × ${reason}`)];
}

/** The listing; its last line has the numbers. */
export function formatReport(groups: readonly GroupResult[], report: Report): string {
  const { passed, failed, knownGaps, notApplicable } = report.totals;
  const failures = listFailures(groups);
  return [
    ...(failures.length > 0 ? ['Failing:', ...failures] : []),
    ...listReasons('Known gaps', report.knownGaps),
    ...listReasons('Not applicable', report.notApplicable),
    ...(failures.length + knownGaps + notApplicable > 0 ? [''] : []),
    `${notApplicable} not applicable`,
    `${passed} passed, ${failed} failed, ${knownGaps} known gaps`,
  ].join('\n');
}
