/** @file random: draws of PyTorch's generator, which fills any tensor in memory order. */
import type { Generator, TypedArray } from '@flambeau/tensor';
import {
  type Distribution,
  dtypeInfo,
  fillDistribution,
  memoryOrder,
  mergeStrides,
  type View,
} from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';

/** Fills `out`, of a real dtype. */
export function random(distribution: Distribution, out: View, generator: Generator): void {
  const { dtype, elementCount: n, offset } = out;
  const data = dataOf(out);
  if (out.isContiguous()) {
    fillDistribution(distribution, generator, data, offset, n, dtype, true);
    return;
  }
  const order = memoryOrder(out.shape, out.strides).reverse();
  const { sizes, strides } = mergeStrides(
    order.map((d) => out.shape[d]!),
    [order.map((d) => out.strides[d]!)],
  );
  const steps = strides[0]!;
  if (sizes.length === 1 && steps[0] === 1) {
    fillDistribution(distribution, generator, data, offset, n, dtype, false);
    return;
  }
  const drawn = new (dtypeInfo(dtype).array)(n);
  fillDistribution(distribution, generator, drawn, 0, n, dtype, false);
  spread(drawn, data, sizes, steps, offset);
}

/** Stores dense elements at strided places. */
function spread(
  source: TypedArray,
  target: TypedArray,
  sizes: readonly number[],
  steps: readonly number[],
  offset: number,
): void {
  let next = 0;
  const walk = (dim: number, at: number): void => {
    if (dim === sizes.length) {
      target[at] = source[next++]!;
      return;
    }
    for (let i = 0; i < sizes[dim]!; i++) walk(dim + 1, at + i * steps[dim]!);
  };
  walk(0, offset);
}
