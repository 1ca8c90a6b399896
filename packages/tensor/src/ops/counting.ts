/** @file Counting values: histc and bincount. */
import { signature, type Trailing } from '../args.ts';
import { ones, zeros } from '../creation.ts';
import { isFloating, isIntegral } from '../dtype.ts';
import { DeviceError, DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { call } from '../ir/expr.ts';
import { callPointwise, pointwise } from '../pointwise.ts';
import { formatShape, sameShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';

export interface HistcOptions extends OutOption {
  bins?: number | undefined;
  /** The range; the data's where both are equal. */
  min?: number | undefined;
  max?: number | undefined;
}

const parseHistc = signature<{ bins: number; min: number; max: number; out: Tensor | undefined }>(
  'histc',
  ['bins', 'min', 'max'],
  {
    bins: 100,
    min: 0,
    max: 0,
    out: undefined,
  },
);

// The bin of x, or `bins` for what lies outside; the greatest value belongs to the last bin.
const binOp = pointwise(
  4,
  (x, low, high, bins) => {
    const bin = call('floor', x.sub(low).mul(bins).div(high.sub(low)));
    return x
      .ge(low)
      .and(x.le(high))
      .where(bin.min(bins.sub(1)), bins);
  },
  { name: 'histc', promotion: 'promote', parameters: 1 },
);

/**
 * How many elements fall into each of `bins` intervals of equal width from `min` to `max`; others and NaN do not count.
 * The range is the data's where min = max. The result has the tensor's dtype.
 *
 * ```ts
 * tensor([1, 2, 1]).histc(4, 0, 3); // tensor([0., 2., 1., 0.])
 * ```
 * @throws RangeError for a range that is not finite or upside down.
 */
export function histc(self: Tensor, ...args: Trailing<[bins: number, min: number, max: number], HistcOptions>): Tensor {
  const { bins, min, max, out } = parseHistc(args);
  if (!isFloating(self.dtype))
    throw new DTypeError(`histc(): needs a floating point tensor, got ${self.dtype}; convert with .to('float32')`);
  if (!Number.isInteger(bins) || bins < 1)
    throw new RangeError(`histc(): bins must be an integer of at least 1, got ${bins}`);
  if (max < min || !Number.isFinite(min) || !Number.isFinite(max))
    throw new RangeError(`histc(): the range from ${min} to ${max} must be finite and not upside down`);
  return intoOut('histc', out, [self], () => {
    const x = self.detach().flatten();
    const counts = zeros([bins + 1], { dtype: self.dtype, device: self.device });
    if (x.elementCount > 0) {
      const [low, high] = histogramRange(x, min, max);
      const bin = callPointwise(binOp, [x, low, high, bins]).to('int32');
      counts.scatterAdd_(0, bin, ones(bin.shape, { dtype: self.dtype, device: self.device }));
    }
    return counts.narrow(0, 0, bins).clone();
  });
}

/** The data's range where none is given, and one of width 2 around a single value. */
function histogramRange(x: Tensor, min: number, max: number): [low: Tensor, high: Tensor] {
  const widen = (low: Tensor, high: Tensor): [Tensor, Tensor] => {
    const single = low.eq(high);
    return [low.sub(single), high.add(single)];
  };
  if (min !== max) return [x.amin().fill(min), x.amin().fill(max)];
  const [low, high] = [x.amin(), x.amax()];
  if (x.device === 'cpu' && !(Number.isFinite(low.itemSync()) && Number.isFinite(high.itemSync()))) {
    throw new RangeError('histc(): the data has infinite or NaN values, so its range is not finite; give min and max');
  }
  return widen(low, high);
}

export interface BincountOptions {
  /** Adds these instead of 1 for each value. */
  weights?: Tensor | null | undefined;
  minlength?: number | undefined;
}

interface Bincount {
  weights: Tensor | null;
  minlength: number;
}

const parseBincount = signature<Bincount>('bincount', ['weights', 'minlength'], { weights: null, minlength: 0 });

type BincountArguments = Trailing<[weights: Tensor | null, minlength: number], BincountOptions>;

function bincountArguments(self: Tensor, args: readonly unknown[]): Bincount {
  const call = parseBincount(args);
  const { weights, minlength } = call;
  if (!isIntegral(self.dtype))
    throw new DTypeError(`bincount(): needs an integer tensor, got ${self.dtype}; convert with .to('int32')`);
  if (self.ndim !== 1) throw new ShapeError(`bincount(): needs a 1-d tensor, got shape ${formatShape(self.shape)}`);
  if (weights !== null && !sameShape(weights.shape, self.shape)) {
    throw new ShapeError(
      `bincount(): weights have shape ${formatShape(weights.shape)}, the tensor ${formatShape(self.shape)}; they must agree`,
    );
  }
  if (!Number.isInteger(minlength) || minlength < 0)
    throw new RangeError(`bincount(): minlength must be an integer of at least 0, got ${minlength}`);
  return call;
}

/** The counts, once the range of values is known. */
function countValues(self: Tensor, { weights, minlength }: Bincount, least: number, greatest: number): Tensor {
  if (least < 0) throw new RangeError(`bincount(): values must not be negative, got ${least}`);
  // PyTorch: weights other than float32 count in float64.
  const dtype = weights === null ? 'int32' : weights.dtype === 'float32' ? 'float32' : 'float64';
  const out = zeros([Math.max(greatest + 1, minlength)], { dtype, device: self.device });
  if (self.elementCount === 0) return out;
  const amounts = weights === null ? ones(self.shape, { dtype, device: self.device }) : weights.detach().to(dtype);
  return out.scatterAdd_(0, self.to('int32'), amounts);
}

/**
 * How often each of 0, 1, 2 … occurs in a 1-d tensor of integers (int32), or the sums of the `weights` there. CPU only.
 *
 * ```ts
 * tensor([1, 1, 3], { dtype: 'int32' }).bincount(); // tensor([0, 2, 0, 1])
 * ```
 * @throws RangeError for negative values.
 */
export function bincount(self: Tensor, ...args: BincountArguments): Tensor {
  const call = bincountArguments(self, args);
  if (backendFor(self.device).readSync === null) {
    throw new DeviceError(
      `bincount(): the result's size depends on values on device '${self.device}'; use \`await x.bincountAsync()\``,
    );
  }
  if (self.elementCount === 0) return countValues(self, call, 0, -1);
  return countValues(self, call, self.amin().itemSync(), self.amax().itemSync());
}

/** {@link bincount} on every device. */
export async function bincountAsync(self: Tensor, ...args: BincountArguments): Promise<Tensor> {
  const call = bincountArguments(self, args);
  if (self.elementCount === 0) return countValues(self, call, 0, -1);
  const [least, greatest] = await Promise.all([self.amin().item(), self.amax().item()]);
  return countValues(self, call, least, greatest);
}
