/** @file Expressions that know of complex numbers, as kernels of real dtypes have them; and which nodes are complex. */
import { compareFunctions, Expr, logicFunctions, type ScalarFunction } from './expr.ts';

const zero = Expr.const(0);

/** What a function comes to for a real argument: conj(x) is x, sgn(x) is sign(x). */
const realForms: Partial<Record<ScalarFunction, (x: Expr) => Expr>> = {
  conj: (x) => x,
  real: (x) => x,
  imag: () => zero,
  sgn: (x) => x.sign(),
  // PyTorch: the angle of a negative number is π, and of NaN it is NaN.
  angle: (x) => x.isNaN().where(x, x.lt(0).where(Math.PI, 0)),
};

/** Rebuilds an expression from its leaves up. Shared nodes are done once, and what does not change stays the same object. */
function rebuild(expression: Expr, change: (node: Expr, args: readonly Expr[]) => Expr): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (node: Expr): Expr => {
    if (node.kind !== 'call') return node;
    let result = done.get(node);
    if (result === undefined) {
      result = change(node, node.args.map(visit));
      done.set(node, result);
    }
    return result;
  };
  return visit(expression);
}

/** The expression for real inputs, without functions of complex numbers but `complex`, which makes them. */
export const realForm = (expression: Expr): Expr =>
  rebuild(expression, (node, args) => {
    if (args.every((arg, i) => arg === node.args[i])) return realForms[node.fn!]?.(args[0]!) ?? node;
    // These fold the zeros that imaginary parts have become.
    if (node.fn === 'add') return args[0]!.add(args[1]!);
    if (node.fn === 'mul') return args[0]!.mul(args[1]!);
    return realForms[node.fn!]?.(args[0]!) ?? Expr.call(node.fn!, ...args);
  });

/** Functions whose result is real (or bool) whatever their arguments are. */
const realResults: ReadonlySet<ScalarFunction> = new Set<ScalarFunction>([
  ...compareFunctions,
  ...logicFunctions,
  'toBool',
  'toReal',
  'abs',
  'real',
  'imag',
  'angle',
]);

/** Whether an expression has a complex value, given which inputs have. */
export function isComplexExpression(expression: Expr, isComplexInput: (input: number) => boolean): boolean {
  const known = new Map<Expr, boolean>();
  const visit = (node: Expr): boolean => {
    if (node.kind === 'const') return false;
    if (node.kind === 'input') return isComplexInput(node.value);
    let result = known.get(node);
    if (result === undefined) {
      const values = node.fn === 'where' ? node.args.slice(1) : node.args;
      result = node.fn === 'complex' || (!realResults.has(node.fn!) && values.some(visit));
      known.set(node, result);
    }
    return result;
  };
  return visit(expression);
}
