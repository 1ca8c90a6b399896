/**
 * @file Element types: PyTorch's names, how each is stored, and PyTorch's type promotion.
 * float16 and bfloat16 are stored as their bits, bool as bytes 0/1, complex numbers interleaved (re, im).
 */
import { DTypeError } from './errors.ts';

export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool'
  | 'complex64'
  | 'complex128';

/** PyTorch's second names for dtypes. */
export type DTypeAlias =
  | 'float'
  | 'double'
  | 'half'
  | 'long'
  | 'int'
  | 'short'
  | 'char'
  | 'byte'
  | 'cfloat'
  | 'cdouble';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array;

type TypedArrayConstructor = {
  readonly name: string;
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
};

/** The order of kinds in type promotion: a higher kind always wins over a lower one. */
export type DTypeKind = 'bool' | 'int' | 'float' | 'complex';

export interface DTypeInfo {
  readonly name: DType;
  readonly kind: DTypeKind;
  /** Bytes of one element. */
  readonly bytes: number;
  /** Array elements that one tensor element takes: 2 for complex, otherwise 1. */
  readonly lanes: 1 | 2;
  /** Small integer for tables and cache keys. */
  readonly code: number;
  readonly array: TypedArrayConstructor;
}

function info(name: DType, kind: DTypeKind, array: TypedArrayConstructor, code: number, lanes: 1 | 2 = 1): DTypeInfo {
  return { name, kind, bytes: array.BYTES_PER_ELEMENT * lanes, lanes, code, array };
}

const infos: Record<DType, DTypeInfo> = {
  bool: info('bool', 'bool', Uint8Array, 0),
  uint8: info('uint8', 'int', Uint8Array, 1),
  int8: info('int8', 'int', Int8Array, 2),
  int16: info('int16', 'int', Int16Array, 3),
  int32: info('int32', 'int', Int32Array, 4),
  int64: info('int64', 'int', BigInt64Array as unknown as TypedArrayConstructor, 5),
  float16: info('float16', 'float', Uint16Array, 6),
  bfloat16: info('bfloat16', 'float', Uint16Array, 7),
  float32: info('float32', 'float', Float32Array, 8),
  float64: info('float64', 'float', Float64Array, 9),
  complex64: info('complex64', 'complex', Float32Array, 10, 2),
  complex128: info('complex128', 'complex', Float64Array, 11, 2),
};

/** Number of dtypes, for tables indexed by {@link DTypeInfo.code}. */
export const dtypeCount = 12;

const aliases: Record<DTypeAlias, DType> = {
  float: 'float32',
  double: 'float64',
  half: 'float16',
  long: 'int64',
  int: 'int32',
  short: 'int16',
  char: 'int8',
  byte: 'uint8',
  cfloat: 'complex64',
  cdouble: 'complex128',
};

/** Every dtype name, in order of {@link DTypeInfo.code}. */
export const dtypes = Object.keys(infos) as readonly DType[];

/** Storage facts of a dtype. */
export function dtypeInfo(dtype: DType): DTypeInfo {
  return infos[dtype];
}

/** The dtype of a name or alias, e.g. `'long'` → `'int64'`. @throws DTypeError for anything else. */
export function toDType(name: DType | DTypeAlias): DType {
  if (Object.hasOwn(infos, name)) return name as DType;
  if (Object.hasOwn(aliases, name)) return aliases[name as DTypeAlias];
  throw new DTypeError(`unknown dtype ${JSON.stringify(name)}; known are ${dtypes.join(', ')}`);
}

export const isFloating = (dtype: DType): boolean => infos[dtype].kind === 'float';
export const isComplex = (dtype: DType): boolean => dtype === 'complex64' || dtype === 'complex128';
export const isIntegral = (dtype: DType): boolean => infos[dtype].kind === 'int';
/** Only floating and complex tensors can require gradients. */
export const isDifferentiable = (dtype: DType): boolean => infos[dtype].code >= 6;

const kindRank: Record<DTypeKind, number> = { bool: 0, int: 1, float: 2, complex: 3 };
/** Rank of a dtype's kind: bool 0, integer 1, floating 2, complex 3. */
export const rankOf = (dtype: DType): number => kindRank[infos[dtype].kind];

/** The real dtype that a complex dtype is made of; other dtypes are returned unchanged. */
export function realDType(dtype: DType): DType {
  return dtype === 'complex64' ? 'float32' : dtype === 'complex128' ? 'float64' : dtype;
}

/**
 * PyTorch's `promote_types`: the smallest dtype that both convert to without losing their kind.
 *
 * ```ts
 * promoteTypes('uint8', 'int8'); // 'int16'
 * promoteTypes('int64', 'float16'); // 'float16'
 * ```
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const [low, high] = infos[a].code < infos[b].code ? [a, b] : [b, a];
  const kind = infos[high].kind;
  if (kind === 'complex') return low === 'float64' && high === 'complex64' ? 'complex128' : high;
  if (kind === 'float') return high === 'bfloat16' && low === 'float16' ? 'float32' : high;
  if (low === 'uint8' && high === 'int8') return 'int16';
  return high;
}
