/** docs/compatibility.md says what the code says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatDocument, parseDocument, rowOf } from '../src/compatibility/document.ts';
import { allNames, here } from '../src/compatibility/names.ts';
import type { Scores } from '../src/compatibility/scores.ts';

const text = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
const rows = parseDocument(text);

describe('docs/compatibility.md', () => {
  it('has the names that the code has; `npm run compatibility -- --golden DIR` writes it', () => {
    const listed = rows.map(({ namespace, name, here }) => `${namespace}.${name}: ${here ?? 'none'}`);
    const now = allNames().map(({ namespace, name, here }) => `${namespace}.${name}: ${here ?? 'none'}`);
    expect(listed).toEqual(now);
  });

  it('has the percentages of its rows', () => {
    expect(formatDocument(rows)).toBe(text);
  });

  it('says "none" where there is nothing, and only there', () => {
    for (const row of rows) expect(row.status === 'none').toBe(row.here === null);
  });
});

describe('names', () => {
  it.each([
    ['torch', 'log_softmax', 'logSoftmax'],
    ['torch', 'from_numpy', 'fromTypedArray'],
    ['Tensor', 'clamp_', 'x.clamp_'],
    ['Tensor', 'grad_fn', 'x.gradFn'],
    ['nn.functional', 'max_pool2d', 'F.maxPool2d'],
    ['nn.utils', 'rnn.pad_sequence', 'nn.utils.rnn.padSequence'],
    ['optim.lr_scheduler', 'StepLR', 'optim.lrScheduler.StepLR'],
    ['torch', 'no_such_thing', null],
    ['no_such_namespace', 'x', null],
    // Every object has these.
    ['torch', 'to_string', null],
    ['nn', 'Linear.call', null],
  ])('%s.%s is %s', (namespace, name, expected) => expect(here(namespace, name)).toBe(expected));
});

it('rows count the cases that do not pass as missing', () => {
  const scores: Scores = new Map([
    ['torch.abs', { passed: 3, total: 3, missing: null, onlyComplex: true }],
    ['torch.add', { passed: 1, total: 3, missing: 'no', onlyComplex: false }],
    ['torch.sub', { passed: 2, total: 3, missing: 'no', onlyComplex: true }],
  ]);
  const row = (name: string, place: string | null = name) => rowOf({ namespace: 'torch', name, here: place }, scores);
  expect(row('abs')).toMatchObject({ status: 'full', cases: '3/3' });
  expect(row('add')).toMatchObject({ status: 'partial', cases: '1/3', missing: 'no' });
  expect(row('sub')).toMatchObject({ status: 'partial', missing: 'complex numbers' });
  expect(row('mul')).toMatchObject({ status: 'there', cases: '' });
  expect(row('abs', null)).toMatchObject({ status: 'none', cases: '' });
});
