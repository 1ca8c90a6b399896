/** @file Elements repeated one by one. */
import { signature } from '../args.ts';
import { arange, integersFrom } from '../creation.ts';
import { DeviceError, ShapeError } from '../errors.ts';
import { checkVectorIndex } from '../positions.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { indexSelect } from './gather.ts';
import { expand, reshape, unsqueeze } from './views.ts';

interface RepeatArguments {
  repeats: number | Tensor | null;
  dim: number | null;
  outputSize: number | null;
}

type Arguments =
  | [
      repeats?: number | Tensor,
      dim?: number | null | Partial<RepeatArguments>,
      options?: { outputSize?: number | null },
    ]
  | [options: Partial<RepeatArguments>];

const parse = signature<RepeatArguments>('repeatInterleave', ['repeats', 'dim'], {
  repeats: null,
  dim: null,
  outputSize: null,
});

/** What is to be repeated, how often, along which dimension. Without `repeats` self are the counts of 0, 1, 2 …. */
function prepare(self: Tensor, args: Arguments): { x: Tensor; repeats: number | Tensor; dim: number } {
  const { repeats, dim } = parse(args);
  if (repeats === null)
    return { x: arange(self.elementCount, { device: self.device, dtype: self.dtype }), repeats: self, dim: 0 };
  const x = dim === null ? reshape(self, -1) : self.ndim === 0 ? reshape(self, 1) : self;
  return { x, repeats, dim: wrapDim('repeatInterleave', dim ?? 0, x.ndim) };
}

/** Every position of a dimension `repeats` times. */
function evenly(x: Tensor, repeats: number, dim: number): Tensor {
  if (!Number.isInteger(repeats) || repeats < 0)
    throw new RangeError(`repeatInterleave(): repeats must be an integer of at least 0, got ${repeats}`);
  const size = x.shape[dim]!;
  const apart = unsqueeze(x, dim + 1);
  return reshape(expand(apart, apart.shape.with(dim + 1, repeats)), x.shape.with(dim, size * repeats));
}

function unevenly(x: Tensor, counts: ArrayLike<number | bigint>, dim: number): Tensor {
  const size = x.shape[dim]!;
  if (counts.length === 1) return evenly(x, Number(counts[0]), dim);
  if (counts.length !== size)
    throw new ShapeError(`repeatInterleave(): ${counts.length} repeats for dimension ${dim} of size ${size}`);
  const positions: number[] = [];
  for (let i = 0; i < size; i++) {
    const count = Number(counts[i]);
    if (count < 0) throw new RangeError(`repeatInterleave(): repeats must not be negative, got ${count}`);
    for (let k = 0; k < count; k++) positions.push(i);
  }
  return indexSelect(x, dim, integersFrom(positions, [positions.length], { device: x.device }));
}

function checkCounts(repeats: Tensor): void {
  checkVectorIndex('repeatInterleave', repeats);
  if (repeats.ndim > 1)
    throw new ShapeError(
      `repeatInterleave(): repeats must be a number or a vector, got shape ${formatShape(repeats.shape)}`,
    );
}

/**
 * Elements of a dimension repeated one after another: `repeats` times each, or as often as a vector says. Without `dim`
 * the flattened tensor; without `repeats` self says how often 0, 1, 2 … come.
 *
 * ```ts
 * tensor([1, 2]).repeatInterleave(2).toArraySync(); // [1, 1, 2, 2]
 * tensor([1, 2]).repeatInterleave(tensor([1, 2], { dtype: 'int32' })).toArraySync(); // [1, 2, 2]
 * ```
 * @throws DeviceError for a vector of repeats where values are only read asynchronously: `await x.repeatInterleaveAsync(…)`.
 */
export function repeatInterleave(self: Tensor, ...args: Arguments): Tensor {
  const { x, repeats, dim } = prepare(self, args);
  if (!isTensor(repeats)) return evenly(x, repeats, dim);
  checkCounts(repeats);
  const { readSync } = backendFor(repeats.device);
  if (readSync === null) {
    throw new DeviceError(
      `repeatInterleave(): the size of the result depends on values, which device '${repeats.device}' only reads asynchronously; use \`await x.repeatInterleaveAsync()\``,
    );
  }
  return unevenly(x, readSync(repeats), dim);
}

/** `repeatInterleave()` on every device. */
export async function repeatInterleaveAsync(self: Tensor, ...args: Arguments): Promise<Tensor> {
  const { x, repeats, dim } = prepare(self, args);
  if (!isTensor(repeats)) return evenly(x, repeats, dim);
  checkCounts(repeats);
  return unevenly(x, await backendFor(repeats.device).read(repeats), dim);
}
