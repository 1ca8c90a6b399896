/** @file Sequences of draws after a seed, and saved states of the generator. */
import * as flambeau from 'flambeau';
import { MissingError } from '../calls.ts';
import { compareValue, exact, type Tolerance } from '../compare.ts';
import type { GoldenTensor } from '../decode.ts';
import { camelCase } from '../names.ts';
import { asTensor, type Check, compareDraw, method, torch } from './torch.ts';

type Seed = number | bigint;

/** A step has the fields that its op takes. */
interface Step {
  readonly op: string;
  readonly out: GoldenTensor | null;
  readonly size: number[];
  readonly dtype: flambeau.DType | undefined;
  readonly [argument: string]: unknown;
}

interface Sequence {
  readonly seed: Seed;
  readonly steps: readonly Step[];
}

interface State {
  readonly seed: Seed;
  readonly ops: readonly string[];
  readonly state: GoldenTensor;
  readonly initial_seed: Seed;
  readonly next_rand3_then_randn2: readonly GoldenTensor[];
}

/** Steps that call `x.<op>(...)` on an empty tensor, with the names of their arguments in order. */
const inPlace: Record<string, readonly string[]> = {
  uniform_: ['from', 'to'],
  normal_: ['mean', 'std'],
  bernoulli_: ['p'],
  exponential_: ['lambd'],
  geometric_: ['p'],
  cauchy_: ['median', 'sigma'],
  log_normal_: ['mean', 'std'],
  random_: ['from', 'to'],
};

const golden = (value: unknown): flambeau.Tensor => asTensor(value as GoldenTensor);

const ones = (size: number[]): flambeau.Tensor => flambeau.ones(size);

const trained = (op: string, input: flambeau.Tensor, options: object): unknown =>
  torch(`nn.functional.${op}`)(input, { ...options, training: true });

const isWide = (high: unknown): boolean => BigInt(high as Seed) > 2n ** 31n;

/** The other steps. */
const steps: Record<string, (step: Step) => unknown> = {
  manual_seed: ({ seed }) => torch('manual_seed')(seed),
  rand: ({ size, dtype }) => torch('rand')(size, { dtype }),
  randn: ({ size, dtype }) => torch('randn')(size, { dtype }),
  rand_like: ({ size, dtype }) => torch('rand_like')(flambeau.empty(size, { dtype })),
  randn_like: ({ size, dtype }) => torch('randn_like')(flambeau.empty(size, { dtype })),
  // Our default, int32, does not hold them all.
  randint: ({ low, high, size, dtype }) =>
    torch('randint')(low, high, size, { dtype: dtype ?? (isWide(high) ? 'int64' : undefined) }),
  randperm: ({ n }) => torch('randperm')(n),
  normal: ({ mean, std, size }) => torch('normal')(mean, std, size),
  normal_tt: (step) => torch('normal')(golden(step.mean_tensor), golden(step.std_tensor)),
  bernoulli: (step) => torch('bernoulli')(golden(step.p_tensor)),
  multinomial: (step) => torch('multinomial')(golden(step.weights), step.num_samples, step.replacement),
  dropout: ({ size, p }) => trained('dropout', ones(size), { p }),
  dropout1d: ({ size, p }) => trained('dropout1d', ones(size), { p }),
  dropout2d: ({ size, p }) => trained('dropout2d', ones(size), { p }),
  dropout3d: ({ size, p }) => trained('dropout3d', ones(size), { p }),
  alpha_dropout: ({ size, p }) => trained('alpha_dropout', ones(size), { p }),
  rrelu: ({ size, lower, upper }) => trained('rrelu', ones(size).mul(-1), { lower, upper }),
  gumbel_softmax: ({ size, tau }) => torch('nn.functional.gumbel_softmax')(flambeau.zeros(size), { tau }),
  uniform_t: ({ size }) => method(flambeau.empty(size).t(), 'uniform_'),
  normal_t: ({ size }) => method(flambeau.empty(size).t(), 'normal_'),
};

/** Ops whose float64 values hang on the last bit of a C library's logarithm, sine or tangent. */
const inexact = new Set(['randn', 'normal_', 'exponential_', 'cauchy_', 'log_normal_']);

function toleranceOf({ op, dtype }: Step): Tolerance {
  if (op === 'gumbel_softmax') return { atol: 0, rtol: 1e-6 };
  return dtype === 'float64' && inexact.has(op) ? { atol: 2 ** -51, rtol: 2 ** -51 } : exact;
}

function draw(step: Step): unknown {
  const names = inPlace[step.op];
  if (names !== undefined) {
    const args = names.map((name) => step[name]).filter((value) => value !== undefined);
    return method(flambeau.empty(step.size, { dtype: step.dtype }), camelCase(step.op), ...args);
  }
  const run = steps[step.op];
  if (run === undefined) throw new MissingError(`the runner has no step '${step.op}'`);
  return run(step);
}

export const checkSequence: Check<Sequence> = async ({ seed, steps: list }) => {
  torch('manual_seed')(seed);
  for (const [i, step] of list.entries()) {
    const result = draw(step);
    const difference = step.out === null ? null : await compareDraw(result, step.out, toleranceOf(step));
    if (difference !== null) return `step ${i}, ${step.op}: ${difference}`;
  }
  return null;
};

/** Draws as the names say that stand before a saved state: `rand3`, `randn1`. */
function warmUp(name: string): void {
  const [, kind, count] = /^(rand|randn)(\d+)$/.exec(name) ?? [];
  if (kind === undefined) throw new MissingError(`the runner has no warm-up '${name}'`);
  torch(kind)(Number(count));
}

export const checkState: Check<State> = async ({ seed, ops, state, initial_seed, next_rand3_then_randn2 }) => {
  torch('manual_seed')(seed);
  for (const name of ops) warmUp(name);
  const difference = await compareValue(torch('get_rng_state')(), state);
  if (difference !== null) return `state: ${difference}`;
  const found = torch('initial_seed')() as Seed;
  if (BigInt(found) !== BigInt(initial_seed)) return `initialSeed() is ${found}, expected ${initial_seed}`;
  torch('manual_seed')(987);
  torch('set_rng_state')(asTensor(state));
  return compareDraw([torch('rand')(3), torch('randn')(2)], next_rand3_then_randn2);
};
