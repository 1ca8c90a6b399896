/** WebAssembly's instructions, as typed functions from expressions to expressions: `f32x4.add(a, b)`. */
import {
  constant,
  type Expression,
  type Operand,
  operand,
  type Statement,
  unsignedLeb,
  type ValueType,
} from './encoder.ts';

const SIMD = 0xfd;
const simd = (opcode: number): number[] => [SIMD, ...unsignedLeb(opcode)];

function unary<T extends ValueType, R extends ValueType>(type: T, result: R, opcode: readonly number[]) {
  return (value: Operand<T>): Expression<R> => ({ type: result, code: [operand(type, value).code, opcode] });
}

function binary<T extends ValueType, R extends ValueType>(type: T, result: R, opcode: readonly number[]) {
  return (a: Operand<T>, b: Operand<T>): Expression<R> => ({
    type: result,
    code: [operand(type, a).code, operand(type, b).code, opcode],
  });
}

function shift(opcode: readonly number[]) {
  return (value: Expression<'v128'>, by: Operand<'i32'>): Expression<'v128'> => ({
    type: 'v128',
    code: [value.code, operand('i32', by).code, opcode],
  });
}

function ternary(opcode: readonly number[]) {
  return (a: Expression<'v128'>, b: Expression<'v128'>, c: Expression<'v128'>): Expression<'v128'> => ({
    type: 'v128',
    code: [a.code, b.code, c.code, opcode],
  });
}

/** The alignment hint is the natural one of the access; every access may be unaligned all the same. */
function load<R extends ValueType>(result: R, opcode: readonly number[], alignment: number) {
  return (address: Operand<'i32'>, offset = 0): Expression<R> => ({
    type: result,
    code: [operand('i32', address).code, opcode, alignment, unsignedLeb(offset)],
  });
}

function store<T extends ValueType>(type: T, opcode: readonly number[], alignment: number) {
  return (address: Operand<'i32'>, value: Operand<T>, offset = 0): Statement => ({
    type: 'void',
    code: [operand('i32', address).code, operand(type, value).code, opcode, alignment, unsignedLeb(offset)],
  });
}

function laneStore(opcode: readonly number[], alignment: number) {
  return (address: Operand<'i32'>, value: Expression<'v128'>, lane: number, offset = 0): Statement => ({
    type: 'void',
    code: [operand('i32', address).code, value.code, opcode, alignment, unsignedLeb(offset), lane],
  });
}

function laneLoad(opcode: readonly number[], alignment: number) {
  return (address: Operand<'i32'>, value: Expression<'v128'>, lane: number, offset = 0): Expression<'v128'> => ({
    type: 'v128',
    code: [operand('i32', address).code, value.code, opcode, alignment, unsignedLeb(offset), lane],
  });
}

function extractLane<R extends ValueType>(result: R, opcode: readonly number[]) {
  return (value: Expression<'v128'>, lane: number): Expression<R> => ({
    type: result,
    code: [value.code, opcode, lane],
  });
}

function replaceLane<T extends ValueType>(type: T, opcode: readonly number[]) {
  return (value: Expression<'v128'>, lane: number, by: Operand<T>): Expression<'v128'> => ({
    type: 'v128',
    code: [value.code, operand(type, by).code, opcode, lane],
  });
}

function select<T extends ValueType>(type: T) {
  return (condition: Expression<'i32'>, yes: Operand<T>, no: Operand<T>): Expression<T> => ({
    type,
    code: [operand(type, yes).code, operand(type, no).code, condition.code, type === 'v128' ? [0x1c, 1, 0x7b] : 0x1b],
  });
}

const op = {
  u: <T extends ValueType>(type: T, opcode: number) => unary(type, type, [opcode]),
  b: <T extends ValueType>(type: T, opcode: number) => binary(type, type, [opcode]),
  compare: <T extends ValueType>(type: T, opcode: number) => binary(type, 'i32', [opcode]),
};

const vector1 = (opcode: number) => unary('v128', 'v128', simd(opcode));
const vector2 = (opcode: number) => binary('v128', 'v128', simd(opcode));

export const i32 = {
  const: (value: number) => constant('i32', value),
  load: load('i32', [0x28], 2),
  load8S: load('i32', [0x2c], 0),
  load8U: load('i32', [0x2d], 0),
  load16S: load('i32', [0x2e], 1),
  load16U: load('i32', [0x2f], 1),
  store: store('i32', [0x36], 2),
  store8: store('i32', [0x3a], 0),
  store16: store('i32', [0x3b], 1),
  select: select('i32'),
  eqz: op.u('i32', 0x45),
  eq: op.compare('i32', 0x46),
  ne: op.compare('i32', 0x47),
  ltS: op.compare('i32', 0x48),
  ltU: op.compare('i32', 0x49),
  gtS: op.compare('i32', 0x4a),
  gtU: op.compare('i32', 0x4b),
  leS: op.compare('i32', 0x4c),
  leU: op.compare('i32', 0x4d),
  geS: op.compare('i32', 0x4e),
  geU: op.compare('i32', 0x4f),
  clz: op.u('i32', 0x67),
  ctz: op.u('i32', 0x68),
  popcnt: op.u('i32', 0x69),
  add: op.b('i32', 0x6a),
  sub: op.b('i32', 0x6b),
  mul: op.b('i32', 0x6c),
  divS: op.b('i32', 0x6d),
  divU: op.b('i32', 0x6e),
  remS: op.b('i32', 0x6f),
  remU: op.b('i32', 0x70),
  and: op.b('i32', 0x71),
  or: op.b('i32', 0x72),
  xor: op.b('i32', 0x73),
  shl: op.b('i32', 0x74),
  shrS: op.b('i32', 0x75),
  shrU: op.b('i32', 0x76),
  rotl: op.b('i32', 0x77),
  rotr: op.b('i32', 0x78),
  wrapI64: unary('i64', 'i32', [0xa7]),
  reinterpretF32: unary('f32', 'i32', [0xbc]),
  extend8S: op.u('i32', 0xc0),
  extend16S: op.u('i32', 0xc1),
  truncSatF32S: unary('f32', 'i32', [0xfc, 0]),
  truncSatF32U: unary('f32', 'i32', [0xfc, 1]),
  truncSatF64S: unary('f64', 'i32', [0xfc, 2]),
  truncSatF64U: unary('f64', 'i32', [0xfc, 3]),
};

export const i64 = {
  const: (value: bigint) => constant('i64', value),
  load: load('i64', [0x29], 3),
  store: store('i64', [0x37], 3),
  select: select('i64'),
  eqz: unary('i64', 'i32', [0x50]),
  eq: op.compare('i64', 0x51),
  ne: op.compare('i64', 0x52),
  ltS: op.compare('i64', 0x53),
  ltU: op.compare('i64', 0x54),
  gtS: op.compare('i64', 0x55),
  gtU: op.compare('i64', 0x56),
  leS: op.compare('i64', 0x57),
  leU: op.compare('i64', 0x58),
  geS: op.compare('i64', 0x59),
  geU: op.compare('i64', 0x5a),
  add: op.b('i64', 0x7c),
  sub: op.b('i64', 0x7d),
  mul: op.b('i64', 0x7e),
  divS: op.b('i64', 0x7f),
  divU: op.b('i64', 0x80),
  remS: op.b('i64', 0x81),
  remU: op.b('i64', 0x82),
  and: op.b('i64', 0x83),
  or: op.b('i64', 0x84),
  xor: op.b('i64', 0x85),
  shl: op.b('i64', 0x86),
  shrS: op.b('i64', 0x87),
  shrU: op.b('i64', 0x88),
  extendI32S: unary('i32', 'i64', [0xac]),
  extendI32U: unary('i32', 'i64', [0xad]),
  reinterpretF64: unary('f64', 'i64', [0xbd]),
  truncSatF32S: unary('f32', 'i64', [0xfc, 4]),
  truncSatF64S: unary('f64', 'i64', [0xfc, 6]),
};

export const f32 = {
  const: (value: number) => constant('f32', value),
  load: load('f32', [0x2a], 2),
  store: store('f32', [0x38], 2),
  select: select('f32'),
  eq: op.compare('f32', 0x5b),
  ne: op.compare('f32', 0x5c),
  lt: op.compare('f32', 0x5d),
  gt: op.compare('f32', 0x5e),
  le: op.compare('f32', 0x5f),
  ge: op.compare('f32', 0x60),
  abs: op.u('f32', 0x8b),
  neg: op.u('f32', 0x8c),
  ceil: op.u('f32', 0x8d),
  floor: op.u('f32', 0x8e),
  trunc: op.u('f32', 0x8f),
  nearest: op.u('f32', 0x90),
  sqrt: op.u('f32', 0x91),
  add: op.b('f32', 0x92),
  sub: op.b('f32', 0x93),
  mul: op.b('f32', 0x94),
  div: op.b('f32', 0x95),
  min: op.b('f32', 0x96),
  max: op.b('f32', 0x97),
  copysign: op.b('f32', 0x98),
  convertI32S: unary('i32', 'f32', [0xb2]),
  convertI32U: unary('i32', 'f32', [0xb3]),
  convertI64S: unary('i64', 'f32', [0xb4]),
  demoteF64: unary('f64', 'f32', [0xb6]),
  reinterpretI32: unary('i32', 'f32', [0xbe]),
};

export const f64 = {
  const: (value: number) => constant('f64', value),
  load: load('f64', [0x2b], 3),
  store: store('f64', [0x39], 3),
  select: select('f64'),
  eq: op.compare('f64', 0x61),
  ne: op.compare('f64', 0x62),
  lt: op.compare('f64', 0x63),
  gt: op.compare('f64', 0x64),
  le: op.compare('f64', 0x65),
  ge: op.compare('f64', 0x66),
  abs: op.u('f64', 0x99),
  neg: op.u('f64', 0x9a),
  ceil: op.u('f64', 0x9b),
  floor: op.u('f64', 0x9c),
  trunc: op.u('f64', 0x9d),
  nearest: op.u('f64', 0x9e),
  sqrt: op.u('f64', 0x9f),
  add: op.b('f64', 0xa0),
  sub: op.b('f64', 0xa1),
  mul: op.b('f64', 0xa2),
  div: op.b('f64', 0xa3),
  min: op.b('f64', 0xa4),
  max: op.b('f64', 0xa5),
  copysign: op.b('f64', 0xa6),
  convertI32S: unary('i32', 'f64', [0xb7]),
  convertI32U: unary('i32', 'f64', [0xb8]),
  convertI64S: unary('i64', 'f64', [0xb9]),
  promoteF32: unary('f32', 'f64', [0xbb]),
  reinterpretI64: unary('i64', 'f64', [0xbf]),
};

export const v128 = {
  /** Sixteen bytes, lowest address first. */
  const: (bytes: ArrayLike<number>): Expression<'v128'> => ({ type: 'v128', code: [simd(0x0c), Array.from(bytes)] }),
  load: load('v128', simd(0x00), 4),
  store: store('v128', simd(0x0b), 4),
  load32Splat: load('v128', simd(0x09), 2),
  load64Splat: load('v128', simd(0x0a), 3),
  load32Zero: load('v128', simd(0x5c), 2),
  load64Zero: load('v128', simd(0x5d), 3),
  load32Lane: laneLoad(simd(0x56), 2),
  load64Lane: laneLoad(simd(0x57), 3),
  store32Lane: laneStore(simd(0x5a), 2),
  store64Lane: laneStore(simd(0x5b), 3),
  select: select('v128'),
  not: vector1(0x4d),
  and: vector2(0x4e),
  andnot: vector2(0x4f),
  or: vector2(0x50),
  xor: vector2(0x51),
  /** Bits of `a` where `mask` has ones, of `b` elsewhere: `bitselect(a, b, mask)`. */
  bitselect: ternary(simd(0x52)),
  anyTrue: unary('v128', 'i32', simd(0x53)),
};

/** The sixteen bytes of the result are numbered bytes of `a` (0 to 15) and `b` (16 to 31). */
const shuffleBytes = (a: Expression<'v128'>, b: Expression<'v128'>, bytes: readonly number[]): Expression<'v128'> => ({
  type: 'v128',
  code: [a.code, b.code, simd(0x0d), bytes],
});

function shuffleLanes(size: number) {
  return (a: Expression<'v128'>, b: Expression<'v128'>, ...lanes: number[]): Expression<'v128'> =>
    shuffleBytes(
      a,
      b,
      lanes.flatMap((lane) => Array.from({ length: size }, (_, byte) => lane * size + byte)),
    );
}

export const i32x4 = {
  splat: unary('i32', 'v128', simd(0x11)),
  extractLane: extractLane('i32', simd(0x1b)),
  replaceLane: replaceLane('i32', simd(0x1c)),
  eq: vector2(0x37),
  ne: vector2(0x38),
  ltS: vector2(0x39),
  ltU: vector2(0x3a),
  gtS: vector2(0x3b),
  gtU: vector2(0x3c),
  leS: vector2(0x3d),
  leU: vector2(0x3e),
  geS: vector2(0x3f),
  geU: vector2(0x40),
  abs: vector1(0xa0),
  neg: vector1(0xa1),
  allTrue: unary('v128', 'i32', simd(0xa3)),
  bitmask: unary('v128', 'i32', simd(0xa4)),
  shl: shift(simd(0xab)),
  shrS: shift(simd(0xac)),
  shrU: shift(simd(0xad)),
  add: vector2(0xae),
  sub: vector2(0xb1),
  mul: vector2(0xb5),
  minS: vector2(0xb6),
  minU: vector2(0xb7),
  maxS: vector2(0xb8),
  maxU: vector2(0xb9),
  truncSatF32x4S: vector1(0xf8),
  truncSatF32x4U: vector1(0xf9),
  /** Four lanes out of the eight of `a` (0 to 3) and `b` (4 to 7). */
  shuffle: shuffleLanes(4),
};

export const i64x2 = {
  splat: unary('i64', 'v128', simd(0x12)),
  extractLane: extractLane('i64', simd(0x1d)),
  replaceLane: replaceLane('i64', simd(0x1e)),
  shl: shift(simd(0xcb)),
  shrS: shift(simd(0xcc)),
  shrU: shift(simd(0xcd)),
  add: vector2(0xce),
  sub: vector2(0xd1),
  mul: vector2(0xd5),
  /** Two lanes out of the four of `a` (0 and 1) and `b` (2 and 3). */
  shuffle: shuffleLanes(8),
};

export const f32x4 = {
  splat: unary('f32', 'v128', simd(0x13)),
  extractLane: extractLane('f32', simd(0x1f)),
  replaceLane: replaceLane('f32', simd(0x20)),
  eq: vector2(0x41),
  ne: vector2(0x42),
  lt: vector2(0x43),
  gt: vector2(0x44),
  le: vector2(0x45),
  ge: vector2(0x46),
  ceil: vector1(0x67),
  floor: vector1(0x68),
  trunc: vector1(0x69),
  nearest: vector1(0x6a),
  abs: vector1(0xe0),
  neg: vector1(0xe1),
  sqrt: vector1(0xe3),
  add: vector2(0xe4),
  sub: vector2(0xe5),
  mul: vector2(0xe6),
  div: vector2(0xe7),
  min: vector2(0xe8),
  max: vector2(0xe9),
  /** `b < a ? b : a` and `a < b ? b : a`: one machine instruction, unlike `min` and `max`. */
  pmin: vector2(0xea),
  pmax: vector2(0xeb),
  convertI32x4S: vector1(0xfa),
  convertI32x4U: vector1(0xfb),
  demoteF64x2Zero: vector1(0x5e),
  /** Relaxed SIMD: a·b + c, rounded once where the machine has a fused multiply-add. */
  relaxedMadd: ternary(simd(0x105)),
  /** Relaxed SIMD: -(a·b) + c. */
  relaxedNmadd: ternary(simd(0x106)),
};

export const f64x2 = {
  splat: unary('f64', 'v128', simd(0x14)),
  extractLane: extractLane('f64', simd(0x21)),
  replaceLane: replaceLane('f64', simd(0x22)),
  eq: vector2(0x47),
  ne: vector2(0x48),
  lt: vector2(0x49),
  gt: vector2(0x4a),
  le: vector2(0x4b),
  ge: vector2(0x4c),
  ceil: vector1(0x74),
  floor: vector1(0x75),
  trunc: vector1(0x7a),
  nearest: vector1(0x94),
  abs: vector1(0xec),
  neg: vector1(0xed),
  sqrt: vector1(0xef),
  add: vector2(0xf0),
  sub: vector2(0xf1),
  mul: vector2(0xf2),
  div: vector2(0xf3),
  min: vector2(0xf4),
  max: vector2(0xf5),
  pmin: vector2(0xf6),
  pmax: vector2(0xf7),
  convertLowI32x4S: vector1(0xfe),
  promoteLowF32x4: vector1(0x5f),
  relaxedMadd: ternary(simd(0x107)),
  relaxedNmadd: ternary(simd(0x108)),
};

/** Copies bytes within memory; the ranges may overlap. */
export const memoryCopy = (to: Operand<'i32'>, from: Operand<'i32'>, bytes: Operand<'i32'>): Statement => ({
  type: 'void',
  code: [operand('i32', to).code, operand('i32', from).code, operand('i32', bytes).code, 0xfc, 0x0a, 0, 0],
});

/** Fills bytes of memory with one byte. */
export const memoryFill = (at: Operand<'i32'>, value: Operand<'i32'>, bytes: Operand<'i32'>): Statement => ({
  type: 'void',
  code: [operand('i32', at).code, operand('i32', value).code, operand('i32', bytes).code, 0xfc, 0x0b, 0],
});
