/**
 * @file Reads the JSON encoding of golden values: tagged objects such as `{"$t": …}` for tensors and `{"$f": "nan"}`.
 * One decoder serves all areas; where an area has tags of its own, they do not clash with another's.
 */
import type { DType, DTypeAlias, TypedArray } from '@flambeau/tensor';
import { dtypeInfo, toDType } from '@flambeau/tensor/internal';

/** A tensor as PyTorch had it: values, not yet a tensor of ours. `data` holds bits for float16 and bfloat16. */
export interface GoldenTensor {
  readonly kind: 'tensor';
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
  readonly requiresGrad: boolean;
}

/** A dtype as a value, e.g. the result of `torch.result_type`. */
export interface GoldenDType {
  readonly kind: 'dtype';
  readonly dtype: DType;
}

/** A Python float with an integral value, where PyTorch's result depends on its being a float. See areas/ops.ts. */
export interface GoldenFloat {
  readonly kind: 'float';
  readonly value: number;
}

/** What has no counterpart here and is left away: a memory format. */
export interface Ignored {
  readonly kind: 'ignored';
}

export interface GoldenComplex {
  readonly kind: 'complex';
  readonly re: number;
  readonly im: number;
}

/** A module among a constructor's arguments, not yet constructed. */
export interface GoldenModule {
  readonly kind: 'module';
  readonly module: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

const hasKind = (value: unknown, kind: string): boolean => (value as { kind?: unknown } | null)?.kind === kind;

export const isGoldenTensor = (value: unknown): value is GoldenTensor => hasKind(value, 'tensor');
export const isGoldenDType = (value: unknown): value is GoldenDType => hasKind(value, 'dtype');
export const isGoldenFloat = (value: unknown): value is GoldenFloat => hasKind(value, 'float');
export const isIgnored = (value: unknown): value is Ignored => hasKind(value, 'ignored');
export const isGoldenModule = (value: unknown): value is GoldenModule => hasKind(value, 'module');
export const isGoldenComplex = (value: unknown): value is GoldenComplex => hasKind(value, 'complex');

interface EncodedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: string;
  readonly requires_grad?: boolean;
}

function decodeTensor(encoded: EncodedTensor): GoldenTensor {
  const bytes = Uint8Array.from(Buffer.from(encoded.data, 'base64'));
  const { array: TypedArrayOf, bytes: width } = dtypeInfo(encoded.dtype);
  const count = encoded.shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== count * width) {
    throw new Error(`golden tensor of ${encoded.dtype} [${encoded.shape.join(', ')}] has ${bytes.length} bytes`);
  }
  const { dtype, shape, requires_grad: requiresGrad = false } = encoded;
  return { kind: 'tensor', dtype, shape, data: new TypedArrayOf(bytes.buffer), requiresGrad };
}

const decodeSlice = ([start, stop, step]: readonly (number | null)[]): string =>
  `${start ?? ''}:${stop ?? ''}${step === null ? '' : `:${step}`}`;

const specialFloats: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity };

/** Tags and what they stand for. */
const tags: Record<string, (content: never) => unknown> = {
  $t: decodeTensor,
  $f: (name: string) => specialFloats[name],
  $i: (digits: string) => BigInt(digits),
  $c: ([re, im]: unknown[]) => ({ kind: 'complex', re: decode(re), im: decode(im) }),
  $b: (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64')),
  $d: (pairs: unknown[][]) => new Map(pairs.map(([key, value]) => [decode(key), decode(value)])),
  $set: (items: unknown[]) => new Set(items.map(decode)),
  $dtype: (name: string) => ({ kind: 'dtype', dtype: toDType(name as DType | DTypeAlias) }),
  $device: (name: string) => name,
  $memory_format: () => ({ kind: 'ignored' }),
  $float: (value: number) => ({ kind: 'float', value }),
  $slice: decodeSlice,
  $module: ({ module, ctor_args, ctor_kwargs }: { module: string; ctor_args: unknown[]; ctor_kwargs: object }) => ({
    kind: 'module',
    module,
    args: decode(ctor_args),
    kwargs: decode(ctor_kwargs),
  }),
  $none: () => null,
  $ellipsis: () => '...',
};

/** A golden JSON value as JavaScript values and {@link GoldenTensor}s; other objects are records. */
export function decode(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const keys = Object.keys(value);
  const tag = keys.length === 1 ? keys[0]! : undefined;
  if (tag?.startsWith('$')) {
    const read = Object.hasOwn(tags, tag) ? tags[tag] : undefined;
    if (read === undefined) throw new Error(`unknown tag ${tag} in a golden value`);
    return read((value as Record<string, never>)[tag] as never);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
}

/** The tensors within a decoded value, depth first. */
export function tensorsIn(value: unknown): GoldenTensor[] {
  if (isGoldenTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (value instanceof Map) return [...value.values()].flatMap(tensorsIn);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(tensorsIn);
}
