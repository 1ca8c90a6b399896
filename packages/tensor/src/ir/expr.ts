/**
 * @file The expression IR: pointwise maths over scalars, written once.
 *
 * An expression is a graph of immutable nodes. It has no dtype of its own: a kernel gives its inputs dtypes, and then
 * every node has one (see kernel.ts). Backends lower kernels to JavaScript, WebAssembly or WGSL; derivative.ts
 * differentiates them into expressions again.
 */

/** Functions of one value, result of the same dtype. */
export const unaryFunctions = [
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'round',
  'trunc',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log10',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'sigmoid',
  'erf',
  'erfc',
  'erfinv',
  'lgamma',
  'digamma',
  'trigamma',
  'erfcx',
  'ndtri',
  'i0',
  'i0e',
  'i1',
  'i1e',
  'besselJ0',
  'besselJ1',
  'besselY0',
  'besselY1',
  'k0',
  'k0e',
  'k1',
  'k1e',
  'airyAi',
  'airyAiPrime',
  'bitNot',
] as const;

/** Functions of two values of one dtype, result of the same dtype. `mod` takes the sign of the divisor, `fmod` of the dividend. */
export const binaryFunctions = [
  'add',
  'sub',
  'mul',
  'div',
  'floorDiv',
  'truncDiv',
  'fmod',
  'mod',
  'pow',
  'atan2',
  'hypot',
  'copysign',
  'nextafter',
  'max',
  'min',
  'bitAnd',
  'bitOr',
  'bitXor',
  'shiftLeft',
  'shiftRight',
  'gcd',
  'zeta',
  'igamma',
  'igammac',
] as const;

/**
 * Orthogonal polynomials of a value, by degree and a parameter: `chebyshev` of the first to fourth kind (T, U, V, W),
 * `gegenbauer` by λ (1/2: Legendre's), `hermite` by scale (2: H, 1: He), `laguerre` by α.
 */
export const polynomialFunctions = ['chebyshev', 'gegenbauer', 'hermite', 'laguerre'] as const;

/** Functions of two values of one dtype, result bool. NaN compares as in IEEE 754. */
export const compareFunctions = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;

/** Functions of bools, result bool. */
export const logicFunctions = ['and', 'or', 'xor', 'not'] as const;

/**
 * Functions that only complex numbers tell from something simpler: `conj`, `sgn` (z / |z|), and with real results `real`,
 * `imag`, `angle`; `complex` makes one of two real values. Kernels of real dtypes do not have them: see real-form.ts.
 */
export const complexFunctions = ['conj', 'sgn', 'real', 'imag', 'angle', 'complex'] as const;

export type UnaryFunction = (typeof unaryFunctions)[number];
export type BinaryFunction = (typeof binaryFunctions)[number];
export type PolynomialFunction = (typeof polynomialFunctions)[number];
export type CompareFunction = (typeof compareFunctions)[number];
export type LogicFunction = (typeof logicFunctions)[number];
export type ComplexFunction = (typeof complexFunctions)[number];
export type ScalarFunction =
  | UnaryFunction
  | BinaryFunction
  | PolynomialFunction
  | CompareFunction
  | LogicFunction
  | ComplexFunction
  | 'where'
  | 'toBool'
  | 'toReal';

export type Operand = Expr | number;

const interned = new Map<string, Expr>();

/**
 * A node: an input by position, a constant, or a function applied to nodes. Equal expressions are the same object.
 *
 * ```ts
 * const [x] = inputs(1);
 * const silu = x.mul(x.sigmoid());
 * ```
 */
export class Expr {
  readonly kind: 'input' | 'const' | 'call';
  readonly fn: ScalarFunction | null;
  readonly args: readonly Expr[];
  /** Position of an input or value of a constant. */
  readonly value: number;
  readonly key: string;

  private constructor(
    kind: Expr['kind'],
    fn: ScalarFunction | null,
    args: readonly Expr[],
    value: number,
    key: string,
  ) {
    this.kind = kind;
    this.fn = fn;
    this.args = args;
    this.value = value;
    this.key = key;
  }

  /** Equal nodes are one object, so expressions are graphs and their keys stay short. */
  static #node(kind: Expr['kind'], fn: ScalarFunction | null, args: readonly Expr[], value: number): Expr {
    const text =
      kind === 'call' ? `${fn}(${args.map((a) => a.key).join()})` : `${kind} ${Object.is(value, -0) ? '-0' : value}`;
    let node = interned.get(text);
    if (node === undefined) {
      node = new Expr(kind, fn, args, value, `e${interned.size}`);
      interned.set(text, node);
    }
    return node;
  }

  static input(index: number): Expr {
    return Expr.#node('input', null, [], index);
  }

  static const(value: number): Expr {
    return Expr.#node('const', null, [], value);
  }

  static call(fn: ScalarFunction, ...args: Expr[]): Expr {
    return Expr.#node('call', fn, args, 0);
  }

  /** The expression as text, e.g. `mul($0, sigmoid($0))`. */
  toString(): string {
    if (this.kind === 'input') return `$${this.value}`;
    return this.kind === 'const' ? String(this.value) : `${this.fn}(${this.args.join(', ')})`;
  }

  isConst(value: number): boolean {
    return this.kind === 'const' && this.value === value;
  }

  // Arithmetic folds the neutral constants that symbolic differentiation leaves behind.
  add(other: Operand): Expr {
    const b = lift(other);
    if (this.isConst(0)) return b;
    return b.isConst(0) ? this : Expr.call('add', this, b);
  }
  sub(other: Operand): Expr {
    const b = lift(other);
    if (b.isConst(0)) return this;
    return this.isConst(0) ? b.neg() : Expr.call('sub', this, b);
  }
  mul(other: Operand): Expr {
    const b = lift(other);
    if (this.isConst(0) || b.isConst(1)) return this;
    if (b.isConst(0) || this.isConst(1)) return b;
    return Expr.call('mul', this, b);
  }
  div(other: Operand): Expr {
    const b = lift(other);
    return b.isConst(1) || this.isConst(0) ? this : Expr.call('div', this, b);
  }
  pow(other: Operand): Expr {
    return Expr.call('pow', this, lift(other));
  }
  square(): Expr {
    return this.mul(this);
  }
  max(other: Operand): Expr {
    return Expr.call('max', this, lift(other));
  }
  min(other: Operand): Expr {
    return Expr.call('min', this, lift(other));
  }

  eq(other: Operand): Expr {
    return Expr.call('eq', this, lift(other));
  }
  ne(other: Operand): Expr {
    return Expr.call('ne', this, lift(other));
  }
  lt(other: Operand): Expr {
    return Expr.call('lt', this, lift(other));
  }
  le(other: Operand): Expr {
    return Expr.call('le', this, lift(other));
  }
  gt(other: Operand): Expr {
    return Expr.call('gt', this, lift(other));
  }
  ge(other: Operand): Expr {
    return Expr.call('ge', this, lift(other));
  }
  and(other: Expr): Expr {
    return Expr.call('and', this, other);
  }
  or(other: Expr): Expr {
    return Expr.call('or', this, other);
  }
  not(): Expr {
    return Expr.call('not', this);
  }

  /** `this ? yes : no`, for a bool node. Equal branches fold. */
  where(yes: Operand, no: Operand): Expr {
    const [a, b] = [lift(yes), lift(no)];
    return a === b ? a : Expr.call('where', this, a, b);
  }
  /** Nonzero, as a bool node. */
  toBool(): Expr {
    return Expr.call('toBool', this);
  }
  /** A bool node as 0 or 1 of the computation dtype. */
  toReal(): Expr {
    return Expr.call('toReal', this);
  }
  isNaN(): Expr {
    return this.ne(this);
  }

  neg(): Expr {
    return this.kind === 'const' ? Expr.const(-this.value) : Expr.call('neg', this);
  }
  abs(): Expr {
    return Expr.call('abs', this);
  }
  sign(): Expr {
    return Expr.call('sign', this);
  }
  exp(): Expr {
    return Expr.call('exp', this);
  }
  log(): Expr {
    return Expr.call('log', this);
  }
  sqrt(): Expr {
    return Expr.call('sqrt', this);
  }
  sigmoid(): Expr {
    return Expr.call('sigmoid', this);
  }
  tanh(): Expr {
    return Expr.call('tanh', this);
  }
}

export const lift = (value: Operand): Expr => (typeof value === 'number' ? Expr.const(value) : value);

/** Inputs 0..count-1. */
export const inputs = (count: number): Expr[] => Array.from({ length: count }, (_, i) => Expr.input(i));

/** Applies a function that has no method of its own, e.g. `call('atan2', y, x)`. */
export const call = (fn: ScalarFunction, ...args: Operand[]): Expr => Expr.call(fn, ...args.map(lift));

/** |x|², of a real number its square. */
export function squaredMagnitude(x: Expr): Expr {
  const [re, im] = [call('real', x), call('imag', x)];
  return re.mul(re).add(im.mul(im));
}

/** The positions of the inputs that expressions read, in ascending order. */
export function inputsOf(expressions: readonly Expr[]): number[] {
  const found = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === 'input') found.add(node.value);
    for (const arg of node.args) visit(arg);
  };
  for (const expression of expressions) visit(expression);
  return [...found].sort((a, b) => a - b);
}

/** Replaces inputs by expressions. */
export function substitute(expression: Expr, replace: (input: number) => Expr): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (node: Expr): Expr => {
    if (node.kind === 'input') return replace(node.value);
    if (node.kind === 'const') return node;
    let result = done.get(node);
    if (result === undefined) {
      result = Expr.call(node.fn!, ...node.args.map(visit));
      done.set(node, result);
    }
    return result;
  };
  return visit(expression);
}
