/** @file Makes arguments for our functions out of golden values. */
import { fromTypedArray, type Tensor, type TypedArray, tensor } from '@flambeau/tensor';
import {
  type GoldenTensor,
  isGoldenComplex,
  isGoldenDType,
  isGoldenFloat,
  isGoldenTensor,
  isIgnored,
} from './decode.ts';

export interface BuildOptions {
  readonly device: string;
  /** Gives every tensor gaps between its elements, and an offset. */
  readonly noncontiguous?: boolean | undefined;
  /** Leaves out `requiresGrad`. */
  readonly detached?: boolean | undefined;
  /** Scalars that are Python floats with an integral value as 0-d tensors, so that they count as floats. */
  readonly floatsAsTensors?: boolean | undefined;
}

/** Values and the tensors among them, in the order the goldens count them. */
export interface Built {
  readonly value: unknown;
  readonly tensors: Tensor[];
}

/** A leaf tensor with a golden's values. */
export function buildTensor(golden: GoldenTensor, options: BuildOptions): Tensor {
  const { dtype, shape, requiresGrad } = golden;
  const out = options.noncontiguous
    ? withGaps(golden, options.device)
    : onDevice(golden.data.slice(), shape, golden, options.device);
  if (requiresGrad && !options.detached && dtype !== 'int64') out.requiresGrad = true;
  return out;
}

const onDevice = (data: TypedArray, shape: readonly number[], { dtype }: GoldenTensor, device: string): Tensor => {
  const host = fromTypedArray(data, shape, { dtype });
  return device === 'cpu' ? host : host.to(device);
};

/** The values at every second place of memory that is twice as long, with other values between. */
function withGaps(golden: GoldenTensor, device: string): Tensor {
  const { data, shape } = golden;
  const lanes = shape.includes(0) ? 1 : data.length / shape.reduce((product, size) => product * size, 1);
  const wide = new (data.constructor as new (length: number) => TypedArray)(data.length * 2) as Float64Array;
  const source = data as Float64Array;
  for (let i = 0; i < data.length; i += lanes) {
    for (let lane = 0; lane < lanes; lane++) {
      wide[2 * i + lane] = source[data.length - lanes - i + lane]!;
      wide[2 * i + lanes + lane] = source[i + lane]!;
    }
  }
  return onDevice(wide, [...shape, 2], golden, device)
    .select(-1, 1)
    .detach();
}

/** Builds every tensor within a decoded value; records keep their keys. */
export function build(value: unknown, options: BuildOptions): Built {
  const tensors: Tensor[] = [];
  const walk = (item: unknown): unknown => {
    if (isGoldenTensor(item)) {
      const made = buildTensor(item, options);
      tensors.push(made);
      return made;
    }
    if (isGoldenDType(item)) return item.dtype;
    if (isGoldenFloat(item))
      return options.floatsAsTensors ? tensor(item.value, { device: options.device }) : item.value;
    if (isGoldenComplex(item)) return { re: item.re, im: item.im };
    if (isIgnored(item)) return undefined;
    if (Array.isArray(item)) return item.map(walk);
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, walk(inner)]));
  };
  return { value: walk(value), tensors };
}
