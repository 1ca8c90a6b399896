/** @file Gradients as values, without touching `.grad`. */
import { AutogradError, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { rootOf, runBackward } from './engine.ts';
import { edgeOf } from './history.ts';

export interface GradOptions {
  gradOutputs?: Tensor | readonly (Tensor | null)[] | undefined;
  /** Default: the value of `createGraph`. */
  retainGraph?: boolean | null | undefined;
  createGraph?: boolean | undefined;
  /** Null for inputs that the outputs do not depend on, instead of an error. */
  allowUnused?: boolean | undefined;
}

interface GradArguments {
  gradOutputs: Tensor | readonly (Tensor | null)[] | null;
  retainGraph: boolean | null;
  createGraph: boolean;
  onlyInputs: true;
  allowUnused: boolean;
}

const gradArguments = signature<GradArguments>(
  'grad',
  ['gradOutputs', 'retainGraph', 'createGraph', 'onlyInputs', 'allowUnused'],
  { gradOutputs: null, retainGraph: null, createGraph: false, onlyInputs: true, allowUnused: false },
);

type Positional = [
  gradOutputs: GradArguments['gradOutputs'] | undefined,
  retainGraph: boolean | null | undefined,
  createGraph: boolean | undefined,
  onlyInputs: true | undefined,
];

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

/**
 * The gradients of the sum of `outputs` (weighted by `gradOutputs`) by `inputs`.
 *
 * ```ts
 * const x = tensor([2, 3], { requiresGrad: true });
 * const [g] = grad(x.mul(x).sum(), x); // tensor([4., 6.])
 * ```
 * @throws AutogradError when an input does not require grad or was not used (unless `allowUnused`).
 */
export function grad<Unused extends boolean = false>(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  ...args: Trailing<[...Positional, allowUnused: Unused], GradOptions & { allowUnused?: Unused | undefined }>
): (Unused extends true ? Tensor | null : Tensor)[] {
  const { gradOutputs, retainGraph, createGraph, allowUnused } = gradArguments(args);
  const starts = gradOutputs === null ? [] : list(gradOutputs as Tensor | null);
  const roots = list(outputs as Tensor).map((output, i) => {
    const edge = edgeOf(output);
    if (edge === null) throw new AutogradError(`grad(): output ${i} does not require grad and has no gradFn`);
    return rootOf(output, edge, starts[i]);
  });
  const wanted = list(inputs as Tensor).map((input, i) => {
    const edge = edgeOf(input);
    if (edge === null) throw new AutogradError(`grad(): input ${i} does not require grad`);
    return edge;
  });
  const results = runBackward(roots, {
    retainGraph: retainGraph ?? createGraph,
    createGraph,
    wanted,
    accumulate: false,
  });
  const missing = results.indexOf(null);
  if (missing >= 0 && !allowUnused) {
    throw new AutogradError(
      `grad(): input ${missing} was not used in the graph of the outputs; pass { allowUnused: true } to get null for it`,
    );
  }
  return results as (Unused extends true ? Tensor | null : Tensor)[];
}
