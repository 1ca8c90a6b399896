/** @file Symbolic differentiation of expressions: every derivative is again an expression, so every order exists. */
import { AutogradError } from '../errors.ts';
import { call, Expr, type Operand, type ScalarFunction } from './expr.ts';

/** For f(a, b, …) with value y: the partial derivatives by a, b, … */
type Partials = (args: readonly Expr[], y: Expr) => readonly Expr[];

const zero = Expr.const(0);
const one = Expr.const(1);

/** Where both are equal each gets half the gradient; where either is NaN both get all of it, as in PyTorch. */
const byOrder =
  (loses: 'lt' | 'gt'): Partials =>
  ([a, b]) => {
    const tie = a!.eq(b!);
    return [tie.where(0.5, call(loses, a!, b!).where(0, 1)), tie.where(0.5, call(loses, b!, a!).where(0, 1))];
  };

const imaginary = (x: Operand): Expr => call('complex', 0, x);

/** z / |z|², 0 at 0: what the angle's derivative needs. */
const inverted = (z: Expr): Expr => z.eq(0).where(0, call('sgn', z).div(z.abs()));

/**
 * Gradients through what has no complex derivative, by PyTorch's convention: the gradient of a real loss L by z = a + ib
 * is ∂L/∂a + i ∂L/∂b.
 */
const pullbacks: Partial<Record<ScalarFunction, (grad: Expr, args: readonly Expr[], y: Expr) => readonly Expr[]>> = {
  conj: (g) => [conjugate(g)],
  real: (g) => [call('real', g)],
  imag: (g) => [imaginary(call('real', g))],
  abs: (g, [z]) => [call('real', g).mul(call('sgn', z!))],
  angle: (g, [z]) => [call('real', g).mul(imaginary(1).mul(inverted(z!)))],
  sgn: (g, [z], y) => [z!.eq(0).where(0, g.sub(y.mul(call('real', conjugate(y).mul(g)))).div(z!.abs()))],
  complex: (g) => [call('real', g), call('imag', g)],
};

/** conj(x); of a constant the constant. */
const conjugate = (x: Expr): Expr => (x.kind === 'const' ? x : x.fn === 'conj' ? x.args[0]! : call('conj', x));

/** Polynomials of degree n by x; the degree, an integer, and the parameter have no slope. */
const polynomial =
  (slope: (x: Expr, n: Expr, parameter: Expr) => Expr): Partials =>
  ([x, n, parameter]) => [slope(x!, call('trunc', n!), parameter!), zero, zero];

/** Tₙ′ = n Uₙ₋₁ and Uₙ′ = 2 Cₙ₋₁⁽²⁾, with Vₙ = Uₙ − Uₙ₋₁ and Wₙ = Uₙ + Uₙ₋₁ (DLMF 18.9.19, 18.9.21, 18.7.5, 18.7.6). */
function chebyshevSlope(x: Expr, n: Expr, kind: Expr): Expr {
  if (kind.isConst(1)) return n.mul(call('chebyshev', x, n.sub(1), 2));
  const slope = call('gegenbauer', x, n.sub(1), 2).mul(2);
  if (kind.isConst(2)) return slope;
  const before = call('gegenbauer', x, n.sub(2), 2).mul(2);
  return kind.isConst(3) ? slope.sub(before) : slope.add(before);
}

const partials: Partial<Record<ScalarFunction, Partials>> = {
  neg: () => [Expr.const(-1)],
  abs: ([x]) => [call('sgn', x!)],
  sqrt: (_, y) => [one.div(y.mul(2))],
  rsqrt: (_, y) => [y.mul(y).mul(y).mul(-0.5)],
  reciprocal: (_, y) => [y.mul(y).neg()],
  exp: (_, y) => [y],
  exp2: (_, y) => [y.mul(Math.LN2)],
  expm1: (_, y) => [y.add(1)],
  log: ([x]) => [one.div(x!)],
  log2: ([x]) => [one.div(x!.mul(Math.LN2))],
  log10: ([x]) => [one.div(x!.mul(Math.LN10))],
  log1p: ([x]) => [one.div(x!.add(1))],
  sin: ([x]) => [call('cos', x!)],
  cos: ([x]) => [call('sin', x!).neg()],
  tan: (_, y) => [y.mul(y).add(1)],
  asin: ([x]) => [call('rsqrt', one.sub(x!.mul(x!)))],
  acos: ([x]) => [call('rsqrt', one.sub(x!.mul(x!))).neg()],
  atan: ([x]) => [one.div(x!.mul(x!).add(1))],
  sinh: ([x]) => [call('cosh', x!)],
  cosh: ([x]) => [call('sinh', x!)],
  tanh: (_, y) => [one.sub(y.mul(y))],
  asinh: ([x]) => [call('rsqrt', x!.mul(x!).add(1))],
  acosh: ([x]) => [call('rsqrt', x!.mul(x!).sub(1))],
  atanh: ([x]) => [one.div(one.sub(x!.mul(x!)))],
  sigmoid: (_, y) => [y.mul(one.sub(y))],
  erf: ([x]) => [
    x!
      .mul(x!)
      .neg()
      .exp()
      .mul(2 / Math.sqrt(Math.PI)),
  ],
  erfc: ([x]) => [
    x!
      .mul(x!)
      .neg()
      .exp()
      .mul(-2 / Math.sqrt(Math.PI)),
  ],
  erfinv: (_, y) => [
    y
      .mul(y)
      .exp()
      .mul(Math.sqrt(Math.PI) / 2),
  ],
  lgamma: ([x]) => [call('digamma', x!)],
  digamma: ([x]) => [call('trigamma', x!)],
  trigamma: ([x]) => [call('zeta', 3, x!).mul(-2)],
  erfcx: ([x], y) => [
    x!
      .mul(y)
      .mul(2)
      .sub(2 / Math.sqrt(Math.PI)),
  ],
  ndtri: (_, y) => [
    y
      .mul(y)
      .div(2)
      .exp()
      .mul(Math.sqrt(2 * Math.PI)),
  ],
  i0: ([x]) => [call('i1', x!)],
  i0e: ([x], y) => [call('i1e', x!).sub(x!.sign().mul(y))],
  i1: ([x], y) => [x!.eq(0).where(0.5, call('i0', x!).sub(y.div(x!)))],
  i1e: ([x], y) => [x!.eq(0).where(0.5, call('i0e', x!).sub(y.mul(x!.sign().add(one.div(x!)))))],
  // DLMF 10.6.3 and 10.6.2.
  besselJ0: ([x]) => [call('besselJ1', x!).neg()],
  besselJ1: ([x], y) => [x!.eq(0).where(0.5, call('besselJ0', x!).sub(y.div(x!)))],
  besselY0: ([x]) => [call('besselY1', x!).neg()],
  besselY1: ([x], y) => [call('besselY0', x!).sub(y.div(x!))],
  // DLMF 10.29.3 and 10.29.2.
  k0: ([x]) => [call('k1', x!).neg()],
  k0e: ([x], y) => [y.sub(call('k1e', x!))],
  k1: ([x], y) => [call('k0', x!).add(y.div(x!)).neg()],
  k1e: ([x], y) => [y.sub(call('k0e', x!)).sub(y.div(x!))],
  airyAi: ([x]) => [call('airyAiPrime', x!)],
  airyAiPrime: ([x]) => [x!.mul(call('airyAi', x!))],
  chebyshev: polynomial(chebyshevSlope),
  gegenbauer: polynomial((x, n, lambda) => lambda.mul(2).mul(call('gegenbauer', x, n.sub(1), lambda.add(1)))),
  hermite: polynomial((x, n, scale) => scale.mul(n).mul(call('hermite', x, n.sub(1), scale))),
  laguerre: polynomial((x, n, alpha) => call('laguerre', x, n.sub(1), alpha.add(1)).neg()),
  add: () => [one, one],
  sub: () => [one, Expr.const(-1)],
  mul: ([a, b]) => [b!, a!],
  div: ([a, b]) => [one.div(b!), a!.div(b!).div(b!).neg()],
  // PyTorch: no gradient through a zero exponent, and log of the base only where the power is not 0.
  pow: ([a, b], y) => [
    b!.eq(0).where(0, b!.mul(a!.pow(b!.sub(1)))),
    a!.eq(0).and(call('real', b!).ge(0)).where(0, y.mul(a!.log())),
  ],
  fmod: ([a, b]) => [one, call('trunc', a!.div(b!)).neg()],
  mod: ([a, b]) => [one, call('floorDiv', a!, b!).neg()],
  atan2: ([a, b]) => {
    const square = a!.mul(a!).add(b!.mul(b!));
    return [b!.div(square), a!.neg().div(square)];
  },
  hypot: ([a, b], y) => [a!.div(y), b!.div(y)],
  copysign: ([a], y) => [a!.eq(0).where(0, y.div(a!)), zero],
  // By its first argument zeta has no derivative here. differentiate() drops it where that is a constant.
  zeta: ([s, q]) => [Expr.const(Number.NaN), s!.neg().mul(call('zeta', s!.add(1), q!))],
  max: byOrder('lt'),
  min: byOrder('gt'),
};

/** Piecewise constant functions: derivative 0. */
const flat: ReadonlySet<ScalarFunction> = new Set<ScalarFunction>([
  'sign',
  'floor',
  'ceil',
  'round',
  'trunc',
  'floorDiv',
  'truncDiv',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'and',
  'or',
  'xor',
  'not',
  'toBool',
  'toReal',
]);

/**
 * The derivative of an expression by one input. Chain rule in forward order; nodes that occur twice are done once.
 * @throws AutogradError for a function that has no derivative here.
 */
export function differentiate(expression: Expr, input: number): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (node: Expr): Expr => {
    if (node.kind === 'const') return zero;
    if (node.kind === 'input') return node.value === input ? one : zero;
    let result = done.get(node);
    if (result === undefined) {
      result = chain(node, visit);
      done.set(node, result);
    }
    return result;
  };
  return visit(expression);
}

function chain(node: Expr, visit: (node: Expr) => Expr): Expr {
  const fn = node.fn!;
  if (flat.has(fn)) return zero;
  if (fn === 'where') {
    const [condition, yes, no] = node.args;
    return condition!.where(visit(yes!), visit(no!));
  }
  const inner = node.args.map(visit);
  if (inner.every((d) => d.isConst(0))) return zero;
  const rule = partials[fn];
  if (rule === undefined) throw new AutogradError(`the function '${fn}' has no derivative`);
  const outer = rule(node.args, node);
  return inner.reduce((sum, d, i) => sum.add(d.mul(outer[i]!)), zero);
}

/** The nodes of an expression, each after its arguments. */
function inOrder(expression: Expr): Expr[] {
  const order: Expr[] = [];
  const seen = new Set<Expr>();
  const visit = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    node.args.forEach(visit);
    order.push(node);
  };
  visit(expression);
  return order;
}

/** The gradients by a node's arguments, given its own. */
function pulledBack(node: Expr, grad: Expr): readonly Expr[] {
  const fn = node.fn!;
  if (flat.has(fn)) return [];
  if (fn === 'where') {
    const [condition] = node.args;
    return [zero, condition!.where(grad, 0), condition!.where(0, grad)];
  }
  const own = pullbacks[fn];
  if (own !== undefined) return own(grad, node.args, node);
  const rule = partials[fn];
  if (rule === undefined) throw new AutogradError(`the function '${fn}' has no derivative`);
  return rule(node.args, node).map((partial) => grad.mul(conjugate(partial)));
}

/**
 * The gradients by each of `count` inputs of an expression of complex numbers, given the gradient of its value:
 * grad · conj(f′) wherever a function f has a complex derivative. An input that is real gets a gradient whose real part
 * is meant.
 * @throws AutogradError for a function that has no derivative here.
 */
export function complexGradients(expression: Expr, grad: Expr, count: number): Expr[] {
  const gradients = new Map<Expr, Expr>([[expression, grad]]);
  for (const node of inOrder(expression).reverse()) {
    const own = gradients.get(node);
    if (own === undefined || node.kind !== 'call') continue;
    pulledBack(node, own).forEach((more, i) => {
      const arg = node.args[i]!;
      if (arg.kind !== 'const' && !more.isConst(0)) gradients.set(arg, (gradients.get(arg) ?? zero).add(more));
    });
  }
  return Array.from({ length: count }, (_, i) => gradients.get(Expr.input(i)) ?? zero);
}

/**
 * A stated derivative for complex numbers: what is linear in the gradient, grad · f′, becomes grad · conj(f′).
 * `null` stays: no gradient.
 */
export function conjugated(derivative: (grad: Expr) => readonly (Expr | null)[], grad: Expr): readonly (Expr | null)[] {
  return derivative(conjugate(grad)).map((gradient) => gradient && conjugate(gradient));
}
