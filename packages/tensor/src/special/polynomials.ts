/**
 * @file Classical orthogonal polynomials. Degrees are numbers or tensors, broadcast against x; one that is no integer
 * counts as the integer towards 0, and below 0 the value is 0, as in PyTorch. Differentiable by x, unlike in PyTorch. The work
 * grows with the degree.
 */
import { call, type Expr } from '../ir/expr.ts';
import { type EitherFunction, either } from '../ops/make.ts';

/** A polynomial of `x` and degree `n`. */
function polynomial(name: string, expression: (x: Expr, n: Expr) => Expr): EitherFunction {
  const node = `Special${name[0]!.toUpperCase()}${name.slice(1)}Backward0`;
  return either(name, expression, { promotion: 'float', node });
}

const chebyshev = (name: string, kind: 1 | 2 | 3 | 4): EitherFunction =>
  polynomial(name, (x, n) => call('chebyshev', x, n, kind));
const shiftedChebyshev = (name: string, kind: 1 | 2 | 3 | 4): EitherFunction =>
  polynomial(name, (x, n) => call('chebyshev', x.add(x).sub(1), n, kind));

/**
 * The Chebyshev polynomial of the first kind, Tₙ(x): `chebyshevPolynomialT(x, n)`. Either may be a number.
 *
 * ```ts
 * special.chebyshevPolynomialT(tensor([0.5, 2]), 3); // tensor([-1., 26.])
 * ```
 */
export const chebyshevPolynomialT: EitherFunction = chebyshev('chebyshevPolynomialT', 1);
/** The Chebyshev polynomial of the second kind, Uₙ(x). */
export const chebyshevPolynomialU: EitherFunction = chebyshev('chebyshevPolynomialU', 2);
/** The Chebyshev polynomial of the third kind, Vₙ(x). */
export const chebyshevPolynomialV: EitherFunction = chebyshev('chebyshevPolynomialV', 3);
/** The Chebyshev polynomial of the fourth kind, Wₙ(x). */
export const chebyshevPolynomialW: EitherFunction = chebyshev('chebyshevPolynomialW', 4);

/** Tₙ(2x − 1), orthogonal on [0, 1]. */
export const shiftedChebyshevPolynomialT: EitherFunction = shiftedChebyshev('shiftedChebyshevPolynomialT', 1);
/** Uₙ(2x − 1). */
export const shiftedChebyshevPolynomialU: EitherFunction = shiftedChebyshev('shiftedChebyshevPolynomialU', 2);
/** Vₙ(2x − 1). */
export const shiftedChebyshevPolynomialV: EitherFunction = shiftedChebyshev('shiftedChebyshevPolynomialV', 3);
/** Wₙ(2x − 1). */
export const shiftedChebyshevPolynomialW: EitherFunction = shiftedChebyshev('shiftedChebyshevPolynomialW', 4);

/**
 * The physicists' Hermite polynomial Hₙ(x).
 *
 * ```ts
 * special.hermitePolynomialH(tensor([1]), 3); // tensor([-4.]), 8x³ − 12x
 * ```
 */
export const hermitePolynomialH: EitherFunction = polynomial('hermitePolynomialH', (x, n) => call('hermite', x, n, 2));
/** The probabilists' Hermite polynomial Heₙ(x). */
export const hermitePolynomialHe: EitherFunction = polynomial('hermitePolynomialHe', (x, n) =>
  call('hermite', x, n, 1),
);

/**
 * Laguerre's polynomial Lₙ(x).
 *
 * ```ts
 * special.laguerrePolynomialL(tensor([2]), 2); // tensor([-1.]), 1 − 2x + x²/2
 * ```
 */
export const laguerrePolynomialL: EitherFunction = polynomial('laguerrePolynomialL', (x, n) =>
  call('laguerre', x, n, 0),
);

/**
 * Legendre's polynomial Pₙ(x).
 *
 * ```ts
 * special.legendrePolynomialP(tensor([0.5]), 2); // tensor([-0.1250]), (3x² − 1) / 2
 * ```
 */
export const legendrePolynomialP: EitherFunction = polynomial('legendrePolynomialP', (x, n) =>
  call('gegenbauer', x, n, 0.5),
);
