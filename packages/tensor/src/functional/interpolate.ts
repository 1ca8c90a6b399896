/** @file Resizing of signals, images and volumes. */

import { signature, type Trailing } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './adaptive-pool.ts';
import { type Axis, antialiasedTaps, cubicTaps, linearTaps, nearestTaps, resample, type Taps } from './resampling.ts';

export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area';

export interface InterpolateOptions {
  /** Output size: a number, or one for each spatial dimension. This or `scaleFactor`. */
  size?: number | readonly number[] | null | undefined;
  /** Output size over input size: a number, or one for each spatial dimension. */
  scaleFactor?: number | readonly number[] | null | undefined;
  mode?: InterpolateMode | undefined;
  /** Linear and cubic modes: the outermost pixels' centres stay where they are, instead of the image's edges. */
  alignCorners?: boolean | null | undefined;
  /** Positions follow from the resulting sizes, and not from `scaleFactor` itself. */
  recomputeScaleFactor?: boolean | null | undefined;
  /** 'bilinear' and 'bicubic': averages when shrinking, as image libraries do. */
  antialias?: boolean | undefined;
}

interface Given {
  size: number | readonly number[] | null;
  scaleFactor: number | readonly number[] | null;
  mode: InterpolateMode;
  alignCorners: boolean | null;
  recomputeScaleFactor: boolean | null;
  antialias: boolean;
}

const positional = ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor', 'antialias'] as const;
const parse = signature<Given>('interpolate', positional, {
  size: null,
  scaleFactor: null,
  mode: 'nearest',
  alignCorners: null,
  recomputeScaleFactor: null,
  antialias: false,
});

/** Spatial dimensions that a mode works on, and how. */
const modes: Record<
  InterpolateMode,
  { readonly dims: readonly number[]; readonly kind: 'nearest' | 'exact' | 'linear' | 'cubic' | 'area' }
> = {
  nearest: { dims: [1, 2, 3], kind: 'nearest' },
  'nearest-exact': { dims: [1, 2, 3], kind: 'exact' },
  linear: { dims: [1], kind: 'linear' },
  bilinear: { dims: [2], kind: 'linear' },
  bicubic: { dims: [2], kind: 'cubic' },
  trilinear: { dims: [3], kind: 'linear' },
  area: { dims: [1, 2, 3], kind: 'area' },
};

/** Names of the ways as they occur in those of PyTorch's graph nodes, before the number of dimensions. */
const kinds = (kind: 'nearest' | 'exact' | 'linear' | 'cubic', spatial: number): string =>
  ({
    nearest: 'Nearest',
    exact: 'NearestExact',
    linear: ['Linear', 'Bilinear', 'Trilinear'][spatial - 1]!,
    cubic: 'Bicubic',
  })[kind];

const single = (x: number): number => Math.fround(x);
const double = (x: number): number => x;

/**
 * Resizes the spatial dimensions of [N, C, L], [N, C, H, W] or [N, C, D, H, W].
 *
 * ```ts
 * F.interpolate(images, { size: [32, 32], mode: 'bilinear', alignCorners: false });
 * F.interpolate(images, { scaleFactor: 2 });
 * ```
 * @throws ShapeError for inputs that the mode does not work on, TypeError unless one of size and scaleFactor is given.
 */
export function interpolate(
  input: Tensor,
  ...args: Trailing<
    [size: number | readonly number[] | null, scaleFactor: number | readonly number[] | null, mode: InterpolateMode],
    InterpolateOptions
  >
): Tensor {
  return temporaries(() => {
    const given = parse(args);
    const { dims, kind } = checkMode(input, given);
    const spatial = input.ndim - 2;
    if (!dims.includes(spatial)) {
      throw new ShapeError(
        `interpolate(): mode '${given.mode}' works on inputs of ${dims.map((d) => d + 2).join(', ')} dimensions, got ${formatShape(input.shape)}`,
      );
    }
    if (input.dtype === 'float16' || input.dtype === 'bfloat16')
      return interpolate(input.to('float32'), given).to(input.dtype);
    const { sizes, factors } = outputOf(input, given);
    if (kind === 'area') return areaOf(input, sizes);
    const round = input.dtype === 'float64' ? double : single;
    let out = input;
    // The last dimension first: the sum over neighbours then reads what lies side by side.
    for (let i = spatial - 1; i >= 0; i--) {
      const axis: Axis = {
        size: input.shape[i + 2]!,
        outSize: sizes[i]!,
        scaleFactor: factors?.[i] ?? null,
        alignCorners: given.alignCorners ?? false,
        round,
      };
      out = resample(out, i + 2, tapsOf(axis, kind, given.antialias));
    }
    const node = `Upsample${kinds(kind, spatial)}${spatial}D${given.antialias ? 'Aa' : ''}Backward0`;
    return shownAs(node, [input], out === input ? input.clone() : out);
  });
}

function checkMode(input: Tensor, { mode, alignCorners, antialias }: Given): (typeof modes)[InterpolateMode] {
  if (!Object.hasOwn(modes, mode))
    throw new TypeError(
      `interpolate(): mode must be one of ${Object.keys(modes).join(', ')}, got ${JSON.stringify(mode)}`,
    );
  const { kind } = modes[mode];
  if (alignCorners !== null && kind !== 'linear' && kind !== 'cubic') {
    throw new TypeError(`interpolate(): alignCorners is for the linear and cubic modes, not for '${mode}'`);
  }
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic')
    throw new TypeError(`interpolate(): antialias is for 'bilinear' and 'bicubic', not for '${mode}'`);
  if (kind !== 'nearest' && kind !== 'exact' && !isFloating(input.dtype)) {
    throw new DTypeError(
      `interpolate(): mode '${mode}' needs a floating point tensor, got ${input.dtype}; convert with .to('float32')`,
    );
  }
  return modes[mode];
}

function outputOf(
  input: Tensor,
  { size, scaleFactor, recomputeScaleFactor }: Given,
): { sizes: number[]; factors: readonly number[] | null } {
  if ((size === null) === (scaleFactor === null)) throw new TypeError('interpolate(): give either size or scaleFactor');
  const spatial = input.shape.slice(2);
  const each = (name: string, value: number | readonly number[]): readonly number[] => {
    const list = typeof value === 'number' ? spatial.map(() => value) : value;
    if (list.length !== spatial.length) {
      throw new ShapeError(
        `interpolate(): ${name} must have one number for each of ${spatial.length} spatial dimensions, got [${list.join(', ')}]`,
      );
    }
    return list;
  };
  const factors = scaleFactor === null ? null : each('scaleFactor', scaleFactor);
  const sizes =
    factors === null ? [...each('size', size!)] : factors.map((factor, i) => Math.floor(spatial[i]! * factor));
  if (sizes.some((n) => !Number.isInteger(n) || n < 1) || spatial.includes(0)) {
    throw new ShapeError(
      `interpolate(): input ${formatShape(input.shape)} cannot become ${formatShape(sizes)}: sizes must be positive integers`,
    );
  }
  return { sizes, factors: recomputeScaleFactor ? null : factors };
}

function areaOf(input: Tensor, sizes: readonly number[]): Tensor {
  const pools = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d] as const;
  return pools[sizes.length - 1]!(input, sizes);
}

function tapsOf(axis: Axis, kind: 'nearest' | 'exact' | 'linear' | 'cubic', antialias: boolean): Taps {
  if (kind === 'nearest' || kind === 'exact') return nearestTaps(axis, kind === 'exact');
  if (antialias) return antialiasedTaps(axis, kind);
  return kind === 'linear' ? linearTaps(axis) : cubicTaps(axis);
}

const parseUpsample = signature<Pick<Given, 'size' | 'scaleFactor'>>('upsample', ['size', 'scaleFactor'], {
  size: null,
  scaleFactor: null,
});

type UpsampleArguments = Trailing<
  [size: number | readonly number[] | null, scaleFactor: number | readonly number[] | null],
  Pick<InterpolateOptions, 'size' | 'scaleFactor'>
>;

/** PyTorch's older name of {@link interpolate}. */
export const upsample = interpolate;

/** `interpolate` in mode 'nearest'. */
export function upsampleNearest(input: Tensor, ...args: UpsampleArguments): Tensor {
  return interpolate(input, { ...parseUpsample(args), mode: 'nearest' });
}

/** `interpolate` in mode 'bilinear' with aligned corners. */
export function upsampleBilinear(input: Tensor, ...args: UpsampleArguments): Tensor {
  return interpolate(input, { ...parseUpsample(args), mode: 'bilinear', alignCorners: true });
}
