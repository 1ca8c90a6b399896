/** The floating-point types that the generated kernels are written for. */
import type { Expression, Local, Operand, Statement } from './encoder.ts';
import type { KernelMode } from './features.ts';
import { f32, f32x4, f64, f64x2, i32x4, i64x2, v128 } from './instructions.ts';

export type FloatType = 'float32' | 'float64';

/** What a kernel generator needs to know of its element type. */
export interface Element {
  readonly dtype: FloatType;
  /** Bytes of an element, and elements of a v128. */
  readonly bytes: number;
  readonly lanes: number;
  readonly value: 'f32' | 'f64';
  load(address: Operand<'i32'>, offset?: number): Expression<'f32' | 'f64'>;
  store(address: Operand<'i32'>, value: Expression<'f32' | 'f64'>, offset?: number): Statement;
  addScalar(a: Expression<'f32' | 'f64'>, b: Expression<'f32' | 'f64'>): Expression<'f32' | 'f64'>;
  mulScalar(a: Expression<'f32' | 'f64'>, b: Expression<'f32' | 'f64'>): Expression<'f32' | 'f64'>;
  loadSplat(address: Operand<'i32'>, offset?: number): Expression<'v128'>;
  splat(value: Expression<'f32' | 'f64'>): Expression<'v128'>;
  add(a: Expression<'v128'>, b: Expression<'v128'>): Expression<'v128'>;
  /** a·b + c, fused or not according to the mode. */
  madd(a: Expression<'v128'>, b: Expression<'v128'>, c: Expression<'v128'>): Expression<'v128'>;
  /** Lanes 0, 2, … of two vectors. */
  everySecond(a: Expression<'v128'>, b: Expression<'v128'>): Expression<'v128'>;
  storeLane(address: Operand<'i32'>, value: Expression<'v128'>, lane: number): Statement;
  /** Sum of the lanes. */
  sumLanes(value: Local<'v128'>): Expression<'f32' | 'f64'>;
  /** Turns `lanes` vectors, rows of a square, into its columns; `spare` are as many scratch locals. */
  transpose(square: readonly Local<'v128'>[], spare: readonly Local<'v128'>[]): Statement[];
}

export function elementOf(dtype: FloatType, mode: KernelMode): Element {
  return dtype === 'float32' ? float32(mode) : float64(mode);
}

type Scalar = Expression<'f32' | 'f64'>;

function float32(mode: KernelMode): Element {
  return {
    dtype: 'float32',
    bytes: 4,
    lanes: 4,
    value: 'f32',
    load: f32.load,
    store: (address, value, offset) => f32.store(address, value as Expression<'f32'>, offset),
    addScalar: (a, b) => f32.add(a as Expression<'f32'>, b as Expression<'f32'>),
    mulScalar: (a, b) => f32.mul(a as Expression<'f32'>, b as Expression<'f32'>),
    loadSplat: v128.load32Splat,
    splat: (value: Scalar) => f32x4.splat(value as Expression<'f32'>),
    add: f32x4.add,
    madd: mode === 'fma' ? f32x4.relaxedMadd : (a, b, c) => f32x4.add(f32x4.mul(a, b), c),
    everySecond: (a, b) => i32x4.shuffle(a, b, 0, 2, 4, 6),
    storeLane: v128.store32Lane,
    sumLanes: (value) => {
      const lane = (i: number) => f32x4.extractLane(value, i);
      return f32.add(f32.add(lane(0), lane(2)), f32.add(lane(1), lane(3)));
    },
    transpose: ([a, b, c, d], [e, f, g, h]) => [
      e!.set(i32x4.shuffle(a!, b!, 0, 4, 1, 5)),
      f!.set(i32x4.shuffle(a!, b!, 2, 6, 3, 7)),
      g!.set(i32x4.shuffle(c!, d!, 0, 4, 1, 5)),
      h!.set(i32x4.shuffle(c!, d!, 2, 6, 3, 7)),
      a!.set(i64x2.shuffle(e!, g!, 0, 2)),
      b!.set(i64x2.shuffle(e!, g!, 1, 3)),
      c!.set(i64x2.shuffle(f!, h!, 0, 2)),
      d!.set(i64x2.shuffle(f!, h!, 1, 3)),
    ],
  };
}

function float64(mode: KernelMode): Element {
  return {
    dtype: 'float64',
    bytes: 8,
    lanes: 2,
    value: 'f64',
    load: f64.load,
    store: (address, value, offset) => f64.store(address, value as Expression<'f64'>, offset),
    addScalar: (a, b) => f64.add(a as Expression<'f64'>, b as Expression<'f64'>),
    mulScalar: (a, b) => f64.mul(a as Expression<'f64'>, b as Expression<'f64'>),
    loadSplat: v128.load64Splat,
    splat: (value: Scalar) => f64x2.splat(value as Expression<'f64'>),
    add: f64x2.add,
    madd: mode === 'fma' ? f64x2.relaxedMadd : (a, b, c) => f64x2.add(f64x2.mul(a, b), c),
    everySecond: (a, b) => i64x2.shuffle(a, b, 0, 2),
    storeLane: v128.store64Lane,
    sumLanes: (value) => f64.add(f64x2.extractLane(value, 0), f64x2.extractLane(value, 1)),
    transpose: ([a, b], [c]) => [c!.set(i64x2.shuffle(a!, b!, 0, 2)), b!.set(i64x2.shuffle(a!, b!, 1, 3)), a!.set(c!)],
  };
}
