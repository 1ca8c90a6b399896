/** @file Optimizers: every parameter after every step, the state dict at three times, and going on from a loaded one. */
import type { Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';
import * as flambeau from 'flambeau';
import { buildTensor } from '../build.ts';
import { MissingError } from '../calls.ts';
import { comparePlain, compareTensor, type Tolerance } from '../compare.ts';
import { type GoldenTensor, isGoldenTensor } from '../decode.ts';
import { camelCaseKeys } from '../names.ts';

interface OptimizerCase {
  readonly optimizer: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly param_groups?: readonly ({ readonly params: readonly number[] } & Readonly<Record<string, unknown>>)[];
  readonly params: readonly GoldenTensor[];
  readonly grads: readonly (readonly (GoldenTensor | null)[])[];
  readonly params_after: readonly (readonly GoldenTensor[])[];
  readonly state_dict_initial: unknown;
  readonly state_dict_after_5: unknown;
  readonly state_dict_final: unknown;
  readonly repr: string;
}

type Constructor = new (params: unknown, options?: unknown) => flambeau.optim.Optimizer;

export function optimizerClass(name: string): Constructor {
  const found = (flambeau.optim as unknown as Record<string, Constructor | undefined>)[name];
  if (found === undefined) throw new MissingError(`not implemented: optim.${name}`);
  return found;
}

/** 1e-6 + 1e-5 |want| over ten steps in float32, 1e-12 + 1e-10 |want| in float64. */
const toleranceOf = (want: GoldenTensor): Tolerance =>
  want.dtype === 'float64' ? { atol: 1e-12, rtol: 1e-10 } : { atol: 1e-6, rtol: 1e-5 };

/** The first difference of nested values, dictionaries included, or null. */
export async function compareNested(what: string, got: unknown, want: unknown): Promise<string | null> {
  const told = (difference: string | null): string | null => (difference === null ? null : `${what}: ${difference}`);
  if (isGoldenTensor(want)) return told(await compareTensor(got, want, { tolerance: toleranceOf(want) }));
  if (typeof want === 'number') return told(comparePlain(got, want, { atol: 1e-12, rtol: 1e-12 }));
  if (Array.isArray(want)) {
    if (!Array.isArray(got) || got.length !== want.length)
      return `${what}: got ${String(got)}, expected a list of ${want.length}`;
    return firstOf(want.map((item, i) => () => compareNested(`${what}[${i}]`, got[i], item)));
  }
  if (typeof want !== 'object' || want === null) return told(comparePlain(got, want));
  const [ours, theirs] = [dictionary(got), dictionary(want)];
  const [names, expected] = [[...ours.keys()].sort().join(), [...theirs.keys()].sort().join()];
  if (names !== expected) return `${what}: got keys ${names}, expected ${expected}`;
  return firstOf(
    [...theirs].map(
      ([key, value]) =>
        () =>
          compareNested(`${what}.${key}`, ours.get(key), value),
    ),
  );
}

async function firstOf(checks: readonly (() => Promise<string | null>)[]): Promise<string | null> {
  for (const check of checks) {
    const difference = await check();
    if (difference !== null) return difference;
  }
  return null;
}

const dictionary = (value: unknown): Map<string, unknown> =>
  new Map(
    (value instanceof Map ? [...value] : Object.entries((value ?? {}) as object)).map(([key, item]) => [
      String(key),
      item,
    ]),
  );

function makeOptimizer(
  { optimizer, kwargs, param_groups: groups }: OptimizerCase,
  params: readonly Tensor[],
): flambeau.optim.Optimizer {
  const list = groups?.map(({ params: places, ...options }) => ({
    params: places.map((i) => params[i]!),
    ...camelCaseKeys(options),
  }));
  return new (optimizerClass(optimizer))(list ?? params, camelCaseKeys(kwargs));
}

const leaves = (goldens: readonly GoldenTensor[], device: string): Tensor[] =>
  goldens.map((golden) => buildTensor(golden, { device, detached: true }).requiresGrad_());

/** Steps from `first` on; the first difference or null. */
async function runSteps(
  golden: OptimizerCase,
  optimizer: flambeau.optim.Optimizer,
  params: readonly Tensor[],
  first: number,
  last: number,
  device: string,
): Promise<string | null> {
  for (let step = first; step < last; step++) {
    params.forEach((parameter, i) => {
      const grad = golden.grads[step]![i] ?? null;
      parameter.grad = grad === null ? null : buildTensor(grad, { device, detached: true });
    });
    optimizer.step();
    const difference = await compareNested(`parameters after step ${step + 1}`, [...params], golden.params_after[step]);
    if (difference !== null) return difference;
  }
  return null;
}

/** Python tells 0.0 from 0, JavaScript does not. */
const oneNumberType = (text: string): string => text.replace(/(\d)\.0\b/g, '$1');

export async function checkOptimizer(golden: OptimizerCase, device: string): Promise<string | null> {
  const params = leaves(golden.params, device);
  const optimizer = makeOptimizer(golden, params);
  const text = String(optimizer);
  if (oneNumberType(text) !== oneNumberType(golden.repr))
    return `repr: got ${JSON.stringify(text)}, expected ${JSON.stringify(golden.repr)}`;
  return (
    (await compareNested('initial state', optimizer.stateDict(), golden.state_dict_initial)) ??
    (await runSteps(golden, optimizer, params, 0, 5, device)) ??
    (await compareNested('state after 5 steps', optimizer.stateDict(), golden.state_dict_after_5)) ??
    (await runSteps(golden, optimizer, params, 5, 10, device)) ??
    (await compareNested('final state', optimizer.stateDict(), golden.state_dict_final)) ??
    (await checkResuming(golden, device))
  );
}

/** A new optimizer that loads PyTorch's state after 5 steps goes on as PyTorch's. */
async function checkResuming(golden: OptimizerCase, device: string): Promise<string | null> {
  const params = leaves(golden.params_after[4]!, device);
  const optimizer = makeOptimizer(golden, params);
  // As it comes out of a file: the optimizer moves it.
  optimizer.loadStateDict(built(golden.state_dict_after_5, 'cpu'));
  const difference =
    (await runSteps(golden, optimizer, params, 5, 10, device)) ??
    (await compareNested('state', optimizer.stateDict(), golden.state_dict_final));
  return difference && `after loading: ${difference}`;
}

/** Golden tensors within dictionaries and lists as tensors. */
function built(value: unknown, device: string): unknown {
  if (isGoldenTensor(value)) return buildTensor(value, { device, detached: true });
  if (Array.isArray(value)) return value.map((item) => built(item, device));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, built(item, device)]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, built(item, device)]));
}

interface LbfgsCase {
  readonly problem: 'rosenbrock' | 'quadratic';
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly x0: GoldenTensor;
  readonly A?: GoldenTensor;
  readonly b?: GoldenTensor;
  readonly losses: readonly number[];
  readonly params_after: readonly GoldenTensor[];
  readonly func_evals: number;
  readonly n_iter: number;
  readonly state_keys: readonly string[];
}

export async function checkLbfgs(golden: LbfgsCase, device: string): Promise<string | null> {
  const x = buildTensor(golden.x0, { device, detached: true }).requiresGrad_();
  const optimizer = new (optimizerClass('LBFGS'))([x], camelCaseKeys(golden.kwargs));
  const objective = objectiveOf(golden, device);
  const closure = (): Tensor => {
    optimizer.zeroGrad();
    const loss = objective(x);
    loss.backward();
    return loss;
  };
  for (const [k, want] of golden.losses.entries()) {
    const loss = await optimizer.step(closure).item();
    // Near the minimum, at 0, the loss is made of rounding errors.
    const tolerance = { atol: 1e-15, rtol: 1e-8 };
    const difference =
      comparePlain(loss, want, tolerance) ??
      (await compareTensor(x.detach(), golden.params_after[k]!, { tolerance: { atol: 1e-10, rtol: 1e-8 } }));
    if (difference !== null) return `call ${k + 1}: ${difference}`;
  }
  const state = optimizer.state.get(x)!;
  return (
    comparePlain(state.func_evals, golden.func_evals) ??
    comparePlain(state.n_iter, golden.n_iter) ??
    comparePlain(Object.keys(state).sort().join(), [...golden.state_keys].sort().join())
  );
}

function objectiveOf({ problem, A, b }: LbfgsCase, device: string): (x: Tensor) => Tensor {
  if (problem === 'quadratic') {
    const [matrix, vector] = untracked(() => [buildTensor(A!, { device }), buildTensor(b!, { device })]);
    return (x) => x.dot(matrix!.mv(x)).mul(0.5).sub(vector!.dot(x));
  }
  return (x) => {
    const [head, tail] = [x.narrow(0, 0, x.length - 1), x.narrow(0, 1, x.length - 1)];
    return tail.sub(head.square()).square().mul(100).add(head.rsub(1).square()).sum();
  };
}
