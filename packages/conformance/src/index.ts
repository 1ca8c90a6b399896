/** Runs PyTorch's golden vectors; the command line is cli.ts. */
export { type Area, type Case, fixtureSource, folderSource, type Group, type Selection, type Source } from './area.ts';
export { areas } from './areas/index.ts';
export { formatReport, makeReport, type Report } from './report.ts';
export { type CaseResult, type GroupResult, ratioOf, runArea, type Totals, totalsOf } from './run.ts';
export type { Verdict } from './verdict.ts';
