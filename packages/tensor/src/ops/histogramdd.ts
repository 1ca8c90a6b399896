/** @file Histograms of points in several dimensions, which PyTorch has as a function only. */
import { signature, type Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { countInBins, type HistogramOptions, histogramBins } from '../histogram.ts';
import { untracked } from '../modes.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

const parse = signature<{
  bins: number | readonly (number | Tensor)[];
  range: readonly number[] | null;
  weight: Tensor | null;
  density: boolean;
}>('histogramdd', ['bins'], { range: null, weight: null, density: false });

/** Counts of shape [bins of each coordinate], and the edges for each. */
export type HistogramDD = [hist: Tensor, binEdges: Tensor[]] & { readonly hist: Tensor; readonly binEdges: Tensor[] };

/**
 * How many of the points [..., N] fall into each box of a grid in N dimensions: see `histogram`. `bins` is a number for
 * all coordinates, or a list of numbers or of edges, `range` a list of 2N numbers, `weight` of shape [...].
 *
 * ```ts
 * const points = tensor([[0, 1], [1, 0], [2, 0], [2, 2]]);
 * histogramdd(points, [3, 3]).hist.shape; // [3, 3]
 * ```
 * @throws ShapeError when bins or weights do not fit the points, DTypeError unless they are float32 or float64.
 */
export function histogramdd(
  input: Tensor,
  bins: number | readonly (number | Tensor)[],
  ...args: Trailing<[], HistogramOptions>
): HistogramDD {
  const { range, weight, density } = parse([bins, ...args]);
  if (input.ndim < 2)
    throw new ShapeError(`histogramdd(): needs points [..., N], got shape ${formatShape(input.shape)}`);
  const coordinates = input.shape.at(-1)!;
  const each = typeof bins === 'number' ? Array<number>(coordinates).fill(bins) : bins;
  if (each.length !== coordinates)
    throw new ShapeError(`histogramdd(): ${each.length} bins do not fit points of ${coordinates} coordinates`);
  return untracked(() => {
    const points = input.detach().reshape([input.shape.slice(0, -1).reduce((a, b) => a * b, 1), coordinates]);
    const binEdges = histogramBins('histogramdd', points, each, range);
    const shape = input.shape.slice(0, -1);
    const hist = countInBins('histogramdd', points, binEdges, weight?.detach() ?? null, shape, density);
    return Object.assign([hist, binEdges] as [Tensor, Tensor[]], { hist, binEdges });
  });
}
