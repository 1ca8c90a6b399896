/** The runner itself: what it makes of names, values, results and errors. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensor } from 'flambeau';
import { afterAll, describe, expect, it } from 'vitest';
import type { Source } from '../src/area.ts';
import { opsArea } from '../src/areas/ops.ts';
import { build } from '../src/build.ts';
import { compareTensor, compareValue, matchRows } from '../src/compare.ts';
import { decode, type GoldenTensor } from '../src/decode.ts';
import { camelCase } from '../src/names.ts';
import { evaluatePython } from '../src/python/evaluate.ts';
import { parsePython } from '../src/python/parse.ts';
import { ratioOf, runArea } from '../src/run.ts';

const encode = (values: readonly number[], extra: object = {}): object => ({
  $t: {
    dtype: 'float32',
    shape: [values.length],
    data: Buffer.from(Float32Array.from(values).buffer).toString('base64'),
    ...extra,
  },
});

const golden = (values: readonly number[], extra: object = {}): GoldenTensor =>
  decode(encode(values, extra)) as GoldenTensor;

describe('names', () => {
  it.each([
    ['log_softmax', 'logSoftmax'],
    ['max_pool2d', 'maxPool2d'],
    ['atleast_1d', 'atleast1d'],
    ['requires_grad_', 'requiresGrad_'],
    ['dim', 'dim'],
    ['N', 'N'],
    ['LU', 'LU'],
  ])('%s becomes %s', (name, ours) => {
    expect(camelCase(name)).toBe(ours);
  });
});

describe('values', () => {
  it('decodes tags', () => {
    expect(decode([{ $f: 'nan' }, { $f: '-inf' }, { $i: '9007199254740993' }, { $none: true }])).toEqual([
      NaN,
      -Infinity,
      9007199254740993n,
      null,
    ]);
    expect(decode([{ $slice: [null, -1, 2] }, { $slice: [1, null, null] }, { $ellipsis: true }])).toEqual([
      ':-1:2',
      '1:',
      '...',
    ]);
    expect(decode({ a: [1, true] })).toEqual({ a: [1, true] });
    expect(() => decode({ $what: 1 })).toThrow('unknown tag $what');
  });

  it('refuses tensors whose bytes do not fit their shape', () => {
    expect(() => golden([1, 2], { shape: [3] })).toThrow('has 8 bytes');
  });

  it('builds tensors with gaps between the elements', () => {
    const { tensors } = build([golden([1, 2, 3], { requires_grad: true })], { device: 'cpu', noncontiguous: true });
    expect(tensors[0]!.isContiguous()).toBe(false);
    expect(tensors[0]!.requiresGrad).toBe(true);
    expect(tensors[0]!.detach().toArraySync()).toEqual([1, 2, 3]);
  });
});

describe('comparison', () => {
  it('allows |got - want| <= tol * (1 + |want|)', async () => {
    expect(await compareTensor(tensor([100.0009]), golden([100]))).toBeNull();
    expect(await compareTensor(tensor([100.002]), golden([100]))).toMatch('1 of 1 values differ');
  });

  it('takes NaN for NaN only, and infinities by sign', async () => {
    expect(await compareTensor(tensor([NaN, Infinity]), golden([NaN, Infinity]))).toBeNull();
    expect(await compareTensor(tensor([NaN]), golden([1]))).not.toBeNull();
    expect(await compareTensor(tensor([1]), golden([NaN]))).not.toBeNull();
    expect(await compareTensor(tensor([-Infinity]), golden([Infinity]))).not.toBeNull();
  });

  it('looks at dtype and shape', async () => {
    expect(await compareTensor(tensor([1], { dtype: 'float64' }), golden([1]))).toBe(
      'got dtype float64, expected float32',
    );
    expect(await compareTensor(tensor([[1]]), golden([1]))).toBe('got shape [1, 1], expected [1]');
    expect(await compareTensor(1, golden([1]))).toMatch('expected a float32 tensor');
  });

  it('compares nested results and plain values', async () => {
    expect(await compareValue([tensor([1]), [2, 'a']], [golden([1]), [2, 'a']])).toBeNull();
    expect(await compareValue([tensor([1])], [golden([1]), golden([1])])).toBe('got a list of 1, expected 2');
    expect(await compareValue([true], [1])).toBe('got true, expected 1');
  });

  it('matches rows in any order', () => {
    expect(matchRows([3, 1, 2.1], golden([1, 2, 3]))).toEqual([2, 0, 1]);
  });
});

/** An `ops` folder with one entry. */
const opsSource = (entry: object, cases: readonly object[]): Source => {
  const files: Record<string, string> = {
    'INDEX.json': JSON.stringify({ index: [{ op: 'add', variant: '', file: 'add.json', tier: 'core', ...entry }] }),
    'add.json': JSON.stringify({
      op: 'add',
      variant: '',
      tier: 'core',
      function: true,
      method: true,
      inplace_form: 'method_',
      ...entry,
      cases,
    }),
  };
  return { names: Object.keys(files), read: (name) => files[name]! };
};

const runOps = async (entry: object, cases: readonly object[]) => {
  const [group] = await runArea(opsArea, opsSource(entry, cases), { device: 'cpu' });
  return group!.cases.map(({ verdict }) => verdict);
};

describe('the ops area', () => {
  const args = [encode([1, 2], { requires_grad: true }), encode([3, 4])];
  const right = {
    id: 'a',
    args,
    kwargs: {},
    out: encode([4, 6]),
    cotangents: [encode([1, 10])],
    grads: [encode([1, 10]), null],
    inplace_ok: true,
  };

  it('passes a right case', async () => {
    expect(await runOps({}, [right])).toEqual([{ kind: 'passed' }]);
  });

  it('sees wrong values, gradients, forms and ops that are not there', async () => {
    const verdicts = await runOps({}, [
      { ...right, out: encode([4, 7]) },
      { ...right, grads: [encode([1, 1]), null] },
      { ...right, grads: [null, null] },
      { ...right, mutated: [null, encode([0, 0])] },
    ]);
    expect(verdicts.map((verdict) => (verdict.kind === 'failed' ? verdict.reason : verdict.kind))).toEqual([
      'function: 1 of 2 values differ, first at 1: got 6, expected 7',
      'function: gradient of input 0: 1 of 2 values differ, first at 1: got 10, expected 1',
      'function: gradient of input 0: got one, expected none',
      'function: input 1 after the call: 2 of 2 values differ, first at 0: got 3, expected 0',
    ]);
    expect(await runOps({ op: 'no_such_op' }, [right])).toEqual([
      { kind: 'failed', reason: 'not implemented: there is no function no_such_op' },
    ]);
  });

  it('wants an error where PyTorch has one, and no accident', async () => {
    const wrong = { id: 'e', args: [encode([1, 2]), encode([1, 2, 3])], kwargs: {}, error: 'sizes differ' };
    const verdicts = await runOps({}, [
      wrong,
      { ...wrong, args },
      { ...wrong, args: [encode([1]), encode([2])], kwargs: { alhpa: 2 } },
    ]);
    expect(verdicts[0]).toEqual({ kind: 'passed' });
    expect(verdicts[1]).toEqual({
      kind: 'failed',
      reason: 'function: expected an error (PyTorch: sizes differ), got a result',
    });
    expect(verdicts[2]).toEqual({ kind: 'passed' });
  });
});

describe('Python expressions', () => {
  it('binds operators as Python does', () => {
    expect(evaluatePython('1 + 2 * 3 ** 2')).toBe(19);
    expect(evaluatePython('-2 ** 2')).toBe(-4);
    expect(evaluatePython("['a', (1, 2.5), True, None]")).toEqual(['a', [1, 2.5], true, null]);
  });

  it('calls functions, methods and indexing of ours', () => {
    const x = evaluatePython('(torch.ones(2, 3, dtype=torch.float64) * 2)[:, 1:].sum(0)') as ReturnType<typeof tensor>;
    expect([x.dtype, x.toArraySync()]).toEqual(['float64', [4, 4]]);
    expect((evaluatePython('torch.tensor([1, 2])') as typeof x).dtype).toBe('int64');
  });

  it('says what it cannot read or find', () => {
    expect(() => parsePython('torch.ones(')).toThrow(SyntaxError);
    expect(() => parsePython('1 ?')).toThrow(SyntaxError);
    expect(() => evaluatePython('torch.nonsense(1)')).toThrow('there is no nonsense');
  });
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const source = opsSource({}, [
    { id: 'good', args: [encode([1]), encode([2])], kwargs: {}, out: encode([3]) },
    { id: 'bad', args: [encode([1]), encode([2])], kwargs: {}, out: encode([4]) },
  ]);
  mkdirSync(join(folder, 'ops'));
  for (const name of source.names) writeFileSync(join(folder, 'ops', name), source.read(name));

  const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
  const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, ['--conditions=flambeau-source', cli, ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code as number), stdout, stderr });
      });
    });

  it('lists failing ops and ends with the numbers', async () => {
    const { code, stdout } = await run('--golden', join(folder, 'ops'));
    expect(code).toBe(0);
    expect(stdout).toContain('add: 1/2  [bad] function: 1 of 1 values differ, first at 0: got 3, expected 4');
    expect(stdout).toContain('0 not applicable');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed, 0 known gaps');
  });

  it('holds a ratio against --min and writes JSON that is a baseline', async () => {
    const json = join(folder, 'report.json');
    expect((await run('--golden', join(folder, 'ops'), '--min', '0.6', '--json', json)).code).toBe(1);
    expect((await run('--golden', join(folder, 'ops'), '--min', '0.5')).code).toBe(0);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      area: 'ops',
      passed: ['add/good'],
      totals: { passed: 1, failed: 1 },
    });
    const { stdout } = await run('--golden', folder, '--area', 'ops', '--baseline', json, '--min', '1');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 passed, 0 failed, 0 known gaps');
  });

  it.each([
    [['--golden', join(tmpdir(), 'not-there')], 'there is no folder'],
    [[], '--golden DIR is missing'],
    [['--golden', folder], 'say --area'],
    [['--golden', join(folder, 'ops'), '--min', '2'], 'a ratio from 0 to 1'],
    [['--golden', join(folder, 'ops'), '--what'], 'usage:'],
    [['--golden', join(folder, 'ops'), '--op', 'nothing'], 'no case matches'],
    [['--golden', join(folder, 'ops'), '--device', 'abacus'], "'abacus' is not available"],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

it('counts known gaps in the ratio, and nothing asked as all right', () => {
  expect(ratioOf({ passed: 3, failed: 0, knownGaps: 1, notApplicable: 9 })).toBe(0.75);
  expect(ratioOf({ passed: 0, failed: 0, knownGaps: 0, notApplicable: 1 })).toBe(1);
});
