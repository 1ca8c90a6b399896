/** @file Puts the functions of every op family on Tensor's prototype, with their in-place forms. */
import { imag, real } from './complex-parts.ts';
import { temporaries } from './memory.ts';
import * as activation from './ops/activation.ts';
import * as arithmetic from './ops/arithmetic.ts';
import * as choice from './ops/choice.ts';
import * as clamp from './ops/clamp.ts';
import * as compare from './ops/compare.ts';
import * as complex from './ops/complex.ts';
import * as convert from './ops/convert.ts';
import * as copy from './ops/copy.ts';
import * as counting from './ops/counting.ts';
import * as covariance from './ops/covariance.ts';
import * as equality from './ops/equality.ts';
import * as extremes from './ops/extremes.ts';
import * as floats from './ops/floats.ts';
import * as gather from './ops/gather.ts';
import * as histogram from './ops/histogram.ts';
import * as index from './ops/index-ops.ts';
import * as inplaceViews from './ops/inplace-views.ts';
import * as like from './ops/like.ts';
import * as logic from './ops/logic.ts';
import * as masks from './ops/masks.ts';
import * as mathematics from './ops/math.ts';
import * as matmul from './ops/matmul.ts';
import * as matmulSums from './ops/matmul-sums.ts';
import * as norms from './ops/norms.ts';
import * as products from './ops/products.ts';
import * as random from './ops/random.ts';
import * as reading from './ops/reading.ts';
import * as rearrange from './ops/rearrange.ts';
import * as reduce from './ops/reduce.ts';
import * as repeatInterleave from './ops/repeat-interleave.ts';
import * as reshaping from './ops/reshaping.ts';
import * as rounding from './ops/rounding.ts';
import * as scan from './ops/scan.ts';
import * as scatter from './ops/scatter.ts';
import * as softmax from './ops/softmax.ts';
import * as sort from './ops/sort.ts';
import * as special from './ops/special.ts';
import * as spectral from './ops/spectral.ts';
import * as splitting from './ops/splitting.ts';
import * as statistics from './ops/statistics.ts';
import * as strided from './ops/strided.ts';
import * as trigonometry from './ops/trigonometry.ts';
import * as unique from './ops/unique.ts';
import * as viewScatter from './ops/view-scatter.ts';
import * as views from './ops/views.ts';
import { state } from './state.ts';
import { Tensor } from './tensor.ts';

const families = [
  activation,
  arithmetic,
  choice,
  clamp,
  compare,
  complex,
  convert,
  copy,
  counting,
  covariance,
  equality,
  extremes,
  floats,
  gather,
  histogram,
  index,
  inplaceViews,
  like,
  logic,
  masks,
  mathematics,
  matmul,
  matmulSums,
  norms,
  products,
  random,
  reading,
  rearrange,
  reduce,
  repeatInterleave,
  reshaping,
  rounding,
  scan,
  scatter,
  softmax,
  sort,
  special,
  spectral,
  splitting,
  statistics,
  strided,
  trigonometry,
  unique,
  viewScatter,
  views,
];

type Op = ((self: Tensor, ...args: unknown[]) => unknown) & { inplace?: (self: Tensor, ...args: unknown[]) => unknown };

/** `f(self, …)` as a method. Fixed arities spare small ops the cost of spreading arguments. */
function method(f: (self: Tensor, ...args: unknown[]) => unknown): (this: Tensor, ...args: unknown[]) => unknown {
  return function (this: Tensor, ...args: unknown[]) {
    if (state.reclaims) return temporaries(() => f(this, ...args));
    if (args.length === 1) return f(this, args[0]);
    return args.length === 0 ? f(this) : f(this, ...args);
  };
}

function define(name: string, f: (self: Tensor, ...args: unknown[]) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, { value: method(f), writable: true, configurable: true });
}

for (const family of families) {
  for (const [name, op] of Object.entries(family as Record<string, unknown>)) {
    if (typeof op !== 'function') continue;
    define(name, op as Op);
    const { inplace } = op as Op;
    if (inplace !== undefined) define(`${name}_`, inplace);
  }
}

for (const [name, part] of Object.entries({ real, imag })) {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor) {
      return part(this);
    },
    set(this: Tensor, value: Tensor) {
      part(this).copy_(value);
    },
    configurable: true,
  });
}
