/** @file histogram, a method too; histogramdd is in histogramdd.ts. */
import { signature, type Trailing } from '../args.ts';
import { countInBins, type Histogram, type HistogramOptions, histogramBins } from '../histogram.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { named } from '../named.ts';
import type { Tensor } from '../tensor.ts';

const parse = signature<{
  bins: number | Tensor;
  range: readonly number[] | null;
  weight: Tensor | null;
  density: boolean;
  out: readonly [Tensor, Tensor] | undefined;
}>('histogram', ['bins'], { range: null, weight: null, density: false, out: undefined });

export interface SingleHistogramOptions extends HistogramOptions {
  /** Receive counts and edges. */
  out?: readonly [Tensor, Tensor] | undefined;
}

/**
 * How many elements fall between each two of the edges, or the sums of their `weight`; with `density` divided by the
 * total and the width. `bins` is a 1-d tensor of rising edges, or a number of bins of equal width over `range`, by
 * default the data's. The last bin includes its end. Not differentiable.
 *
 * ```ts
 * const { hist, binEdges } = tensor([1, 2, 1]).histogram(3, { range: [0, 3] }); // [0, 2, 1], [0, 1, 2, 3]
 * ```
 * @throws DTypeError unless the tensor is float32 or float64.
 */
export function histogram(
  self: Tensor,
  bins: number | Tensor,
  ...args: Trailing<[], SingleHistogramOptions>
): Histogram {
  const { range, weight, density, out } = parse([bins, ...args]);
  return untracked(() => {
    const points = self.detach().reshape([-1, 1]);
    const edges = histogramBins('histogram', points, [bins], range);
    const hist = countInBins('histogram', points, edges, weight?.detach() ?? null, self.shape, density);
    const placed = [hist, edges[0]!].map((x, i) => intoOut('histogram', out?.[i], [], () => x));
    return named(['hist', 'binEdges'], placed, 'histogram');
  });
}
