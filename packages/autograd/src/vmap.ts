/** @file Functions of one sample as functions of a batch. */
import { isTensor, ShapeError, stack, type Tensor, zeros } from '@flambeau/tensor';
import { isPlainObject, signature, wrapDim } from '@flambeau/tensor/internal';
import { withGeneratorChecked } from './random-state.ts';

/** A dimension for everything within an argument or result, or the same arrangement with a dimension for each; null: not mapped. */
export type MappedDims = number | null | readonly MappedDims[] | { readonly [key: string]: MappedDims };

export type Randomness = 'error' | 'different' | 'same';

export interface VmapOptions {
  inDims?: MappedDims | undefined;
  outDims?: MappedDims | undefined;
  randomness?: Randomness | undefined;
}

const vmapArguments = signature<Required<{ [K in keyof VmapOptions]: NonNullable<VmapOptions[K]> | null }>>(
  'vmap',
  ['inDims', 'outDims', 'randomness'],
  { inDims: 0, outDims: 0, randomness: 'error' },
);

const isGroup = (value: unknown): value is readonly unknown[] | Record<string, unknown> =>
  Array.isArray(value) || isPlainObject(value);

/** Calls `leaf` for each tensor (or other value) within lists and plain objects, with its dimension. */
function mapLeaves(
  value: unknown,
  dims: MappedDims,
  leaf: (value: unknown, dim: number | null, path: string) => unknown,
  path: string,
): unknown {
  if (!isGroup(value)) {
    if (isGroup(dims))
      throw new TypeError(`vmap(): dimensions are listed for ${path}, which is neither a list nor an object`);
    return leaf(value, dims as number | null, path);
  }
  const within = (key: string | number): MappedDims => {
    if (!isGroup(dims)) return dims;
    const dim = (dims as Record<string | number, MappedDims | undefined>)[key];
    if (dim === undefined)
      throw new TypeError(`vmap(): there is no dimension for ${path}[${key}]; null leaves it unmapped`);
    return dim;
  };
  if (Array.isArray(value)) return value.map((item, i) => mapLeaves(item, within(i), leaf, `${path}[${i}]`));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapLeaves(item, within(key), leaf, `${path}.${key}`)]),
  );
}

/** The common size of all mapped dimensions. */
function batchSize(args: readonly unknown[], inDims: MappedDims): number {
  let size: number | null = null;
  const look = (value: unknown, dim: number | null, path: string): void => {
    if (dim === null) return;
    if (!isTensor(value)) {
      throw new TypeError(
        `vmap(): ${path} is a ${typeof value}, not a tensor; give it null in inDims to pass it as it is`,
      );
    }
    if (value.ndim === 0) throw new ShapeError(`vmap(): ${path} has no dimension to map over; give it null in inDims`);
    const own = value.shape[wrapDim('vmap', dim, value.ndim)]!;
    if (size !== null && own !== size) {
      throw new ShapeError(`vmap(): mapped dimensions must have one size, got ${size} and ${own} (${path})`);
    }
    size = own;
  };
  mapLeaves(args, inDims, look, 'args');
  if (size === null)
    throw new TypeError('vmap(): no argument is mapped; at least one dimension in inDims must be a number');
  return size;
}

/** The slice of an argument for one sample. Of an empty batch: a sample of zeros, whose result tells shapes. */
function sample(value: unknown, dim: number | null, index: number, size: number): unknown {
  if (dim === null) return value;
  const x = value as Tensor;
  const at = wrapDim('vmap', dim, x.ndim);
  if (size > 0) return x.select(at, index);
  return zeros(x.shape.toSpliced(at, 1), { dtype: x.dtype, device: x.device });
}

/** Results of all samples, joined along the dimensions that `outDims` says. */
function joined(results: readonly unknown[], outDims: MappedDims, empty: boolean): unknown {
  const places: unknown[][] = results.map(() => []);
  results.forEach((result, i) => {
    mapLeaves(result, 0, (leaf) => places[i]!.push(leaf), 'result');
  });
  let next = 0;
  return mapLeaves(
    results[0],
    outDims,
    (first, dim, path) => {
      const parts = places.map((list) => list[next]);
      next++;
      const wrong = parts.find((part) => !isTensor(part));
      if (wrong !== undefined || !isTensor(first)) {
        throw new TypeError(`vmap(): the function must return tensors, got a ${typeof wrong} (${path})`);
      }
      if (dim === null) return first;
      const whole = stack(parts as Tensor[], wrapDim('vmap', dim, first.ndim + 1));
      return empty ? whole.narrow(wrapDim('vmap', dim, first.ndim + 1), 0, 0) : whole;
    },
    'result',
  );
}

/**
 * Makes a function of one sample a function of a batch: `func` is called for each slice of the mapped arguments, and its
 * results are stacked. It is a loop, with the numbers and gradients of torch.vmap but not its speed. `func` sees ordinary
 * tensors without the mapped dimension, so that it may do what it likes, nested `vmap`s included.
 *
 * ```ts
 * const dots = vmap((a: Tensor, b: Tensor) => a.dot(b));
 * dots(ones(5, 3), ones(5, 3)).shape; // [5]
 * vmap(dots, [null, 0]); // one batch against many
 * ```
 *
 * Arguments and results may be lists and plain objects of tensors.
 * @param inDims the dimension of each argument that counts samples (0); a list has one for each, null leaves one as it is.
 * @param outDims where it goes in the results (0); null for a result that is the same for all samples.
 * @param randomness 'error': random numbers from the global generator are an AutogradError; 'different': each sample gets
 *   its own; 'same': all samples get the same.
 */
export function vmap<Args extends readonly unknown[], Out>(
  func: (...args: Args) => Out,
  ...given: [inDims?: MappedDims, outDims?: MappedDims, randomness?: Randomness] | [options: VmapOptions]
): (...args: Args) => Out {
  const { inDims, outDims, randomness } = vmapArguments(given) as Required<VmapOptions>;
  if (!['error', 'different', 'same'].includes(randomness!)) {
    throw new TypeError(`vmap(): randomness is 'error', 'different' or 'same', got ${String(randomness)}`);
  }
  return (...args) => {
    if (Array.isArray(inDims) && inDims.length !== args.length) {
      throw new TypeError(`vmap(): inDims has ${inDims.length} entries for ${args.length} arguments`);
    }
    const size = batchSize(args, inDims!);
    const call = (index: number): Out => {
      const slices = mapLeaves(args, inDims!, (value, dim) => sample(value, dim, index, size), 'args');
      return func(...(slices as unknown as Args));
    };
    return withGeneratorChecked(randomness!, (beforeEach) => {
      const results: Out[] = [];
      for (let i = 0; i < Math.max(size, 1); i++) {
        beforeEach();
        results.push(call(i));
      }
      return joined(results, outDims!, size === 0) as Out;
    });
  };
}
