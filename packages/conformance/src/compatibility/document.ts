/** @file docs/compatibility.md: from rows to text and back. */
import type { Name } from './names.ts';
import type { Scores } from './scores.ts';

/**
 * - `full`: all of PyTorch's recorded cases pass;
 * - `partial`: some do not;
 * - `there`: it exists, and PyTorch's cases do not ask for it (our own tests do);
 * - `none`: it does not exist.
 */
export type Status = 'full' | 'partial' | 'there' | 'none';

export interface Row extends Name {
  readonly status: Status;
  /** `passed/total`, or empty. */
  readonly cases: string;
  readonly missing: string;
}

export function rowOf(name: Name, scores: Scores): Row {
  const none = { ...name, cases: '', missing: '' };
  if (name.here === null) return { ...none, status: 'none' };
  const score = scores.get(`${name.namespace}.${name.name}`);
  if (score === undefined || score.total === 0) return { ...none, status: 'there' };
  const full = score.passed === score.total;
  return {
    ...name,
    status: full ? 'full' : 'partial',
    cases: `${score.passed}/${score.total}`,
    missing: full ? '' : score.onlyComplex ? 'complex numbers' : (score.missing ?? ''),
  };
}

const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`;

const count = (rows: readonly Row[], status: Status): number => rows.filter((row) => row.status === status).length;

function summary(title: string, rows: readonly Row[]): string {
  const missing = count(rows, 'none');
  const numbers = [count(rows, 'full'), count(rows, 'partial'), count(rows, 'there'), missing];
  return `| ${title} | ${rows.length} | ${percent(rows.length - missing, rows.length)} | ${numbers.join(' | ')} |`;
}

function casesOf(rows: readonly Row[]): [passed: number, total: number] {
  const pairs = rows.filter((row) => row.cases !== '').map((row) => row.cases.split('/').map(Number));
  return [pairs.reduce((sum, [a]) => sum + a!, 0), pairs.reduce((sum, [, b]) => sum + b!, 0)];
}

const titleOf = (namespace: string): string =>
  namespace === 'torch' || namespace === 'Tensor' ? namespace : `torch.${namespace}`;

/** The whole document. */
export function formatDocument(rows: readonly Row[]): string {
  const namespaces = [...new Set(rows.map((row) => row.namespace))];
  const inside = (namespace: string): Row[] => rows.filter((row) => row.namespace === namespace);
  const [passed, total] = casesOf(rows);
  return `${[
    '# Compatibility with PyTorch',
    '',
    'Made by `npm run compatibility` from the code and from cases that PyTorch 1.13 recorded; do not edit. A test compares',
    'the names with the code.',
    '',
    `**${percent(rows.length - count(rows, 'none'), rows.length)}** of PyTorch's ${rows.length} public names below exist here; the names that exist pass **${percent(passed, total)}** of PyTorch's cases for them`,
    '(one case may count for a function, a method, its in-place form and second names of the same).',
    '',
    'full: all cases pass. partial: some do not; the last column says what is missing. there: it exists, is tested here, and',
    'PyTorch has recorded no cases for it. none: it does not exist.',
    '',
    'Not counted: `cuda`, `distributed`, `distributions`, `fx`, `jit`, `onnx`, `package`, `profiler`, `quantization`, `sparse`, and torchvision.',
    '',
    '| namespace | names | exist | full | partial | there | none |',
    '|---|---|---|---|---|---|---|',
    ...namespaces.map((namespace) => summary(titleOf(namespace), inside(namespace))),
    summary('**all**', rows),
    ...namespaces.flatMap((namespace) => section(namespace, inside(namespace))),
  ].join('\n')}\n`;
}

function section(namespace: string, rows: readonly Row[]): string[] {
  return [
    '',
    `## ${titleOf(namespace)}`,
    '',
    '| PyTorch | here | status | cases | missing |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ name, here, status, cases, missing }) =>
        `| \`${name}\` | ${here === null ? '' : `\`${here}\``} | ${status} | ${cases} | ${missing} |`,
    ),
  ];
}

/** The rows of a document. */
export function parseDocument(text: string): Row[] {
  const rows: Row[] = [];
  let namespace = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) namespace = line.slice(3).replace(/^torch\./, '');
    const cells = line.split('|').map((cell) => cell.trim());
    if (namespace === '' || cells.length !== 7 || !cells[1]!.startsWith('`')) continue;
    const [, name, here, status, cases] = cells.map((cell) => cell.replaceAll('`', ''));
    rows.push({
      namespace,
      name: name!,
      here: here === '' ? null : here!,
      status: status as Status,
      cases: cases!,
      missing: cells[5]!,
    });
  }
  return rows;
}
