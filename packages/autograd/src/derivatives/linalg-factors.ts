/**
 * @file Derivatives of factorizations. With A = L Lᴴ, P A = L U, A = Q R and so on, the differentials of the factors are
 * triangular or skew-Hermitian parts of the same product (Murray 2016, Seeger et al. 2017, Giles 2008, Townsend 2016);
 * what is written here are the adjoints.
 */
import { AutogradError, cat, choleskySolve, linalg, luUnpack, type Tensor } from '@flambeau/tensor';
import type { LinalgOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

type FactorOps =
  | 'linalgCholeskyEx'
  | 'choleskySolve'
  | 'choleskyInverse'
  | 'linalgSolveTriangular'
  | 'linalgLuFactorEx'
  | 'linalgQr'
  | 'linalgEigh'
  | 'linalgEig'
  | 'linalgSvd';

/** T⁻¹ B and B T⁻¹ for a triangular T. */
const solveLeft = (t: Tensor, b: Tensor, upper: boolean, unitriangular = false): Tensor =>
  linalg.solveTriangular(t, b, { upper, unitriangular });
const solveRight = (t: Tensor, b: Tensor, upper: boolean): Tensor =>
  linalg.solveTriangular(t, b, { upper, left: false });

/** The lower triangle with half the diagonal. */
const halfTriangle = (x: Tensor): Tensor => x.tril().add(x.tril(-1)).mul(0.5);

/** x + xᴴ, x − xᴴ. */
const plusAdjoint = (x: Tensor): Tensor => x.add(x.mH);
const minusAdjoint = (x: Tensor): Tensor => x.sub(x.mH);

/** Where i = j, as bool [n, n]. */
const onDiagonal = (like: Tensor, n: number): Tensor => like.detach().newOnes([n], { dtype: 'bool' }).diagEmbed();

/**
 * dL = L Φ(L⁻¹ dA L⁻ᴴ), Φ the lower triangle with half the diagonal (Murray 2016). A is Hermitian, and so is the gradient;
 * but for the imaginary part that one of L's diagonal may have, which PyTorch keeps.
 */
function choleskyBackward(grad: Tensor, l: Tensor): Tensor {
  const product = l.mH.matmul(grad);
  const middle = product.tril().add(product.tril(-1).mH).mul(0.5);
  return solveRight(l, solveLeft(l.mH, middle, true), false);
}

/** dL = L tril₋₁(X) and dU = triu(X) U with X = L⁻¹ P dA U⁻¹, for the first, square part of both. */
function squareLuBackward(gradL: Tensor, gradU: Tensor, l: Tensor, u: Tensor): Tensor {
  const middle = l.mH.matmul(gradL).tril(-1).add(gradU.matmul(u.mH).triu());
  return solveRight(u.mH, solveLeft(l.mH, middle, true, true), false);
}

/** The gradient by P A of the packed factors of A [M, N]. */
function packedLuBackward(grad: Tensor, factors: Tensor): Tensor {
  const [rows, columns] = factors.shape.slice(-2) as [number, number];
  const k = Math.min(rows, columns);
  const corner = (x: Tensor): Tensor => x.narrow(-2, 0, k).narrow(-1, 0, k);
  // The diagonal of L is 1: solveTriangular does not read it, products do.
  const unit = factors.detach().newOnes([k]).diagEmbed();
  const [l, u] = [corner(factors).tril(-1).add(unit), corner(factors).triu()];
  const [gradL, gradU] = [corner(grad).tril(-1), corner(grad).triu()];
  if (rows > k) {
    // L₂ = (P A)₂ U⁻¹.
    const l2 = factors.narrow(-2, k, rows - k);
    const below = solveRight(u.mH, grad.narrow(-2, k, rows - k), false);
    const top = squareLuBackward(gradL, gradU.sub(l2.mH.matmul(below).triu()), l, u);
    return catRows(top, below);
  }
  if (columns > k) {
    // U₂ = L⁻¹ (P A)₂.
    const u2 = factors.narrow(-1, k, columns - k);
    const beside = solveLeft(l.mH, grad.narrow(-1, k, columns - k), true, true);
    const left = squareLuBackward(gradL.sub(beside.matmul(u2.mH).tril(-1)), gradU, l, u);
    return catRows(left.mT, beside.mT).mT;
  }
  return squareLuBackward(gradL, gradU, l, u);
}

const catRows = (a: Tensor, b: Tensor): Tensor => cat([a, b], -2);

/** Of Q [M, N] and a square R: with S = dR R⁻¹, dQ = dA R⁻¹ − Q S (Walter & Lehmann 2010). */
function squareQrBackward(gradQ: Tensor | null, gradR: Tensor | null, q: Tensor, r: Tensor): Tensor {
  const parts = [gradR === null ? null : r.matmul(gradR.mH), gradQ === null ? null : gradQ.mH.matmul(q).neg()];
  const [first, second] = parts.filter((part) => part !== null) as [Tensor, Tensor | undefined];
  const middle = plusAdjoint(halfTriangle(second === undefined ? first : first.add(second)));
  const product = q.matmul(middle);
  return solveRight(r.mH, gradQ === null ? product : product.add(gradQ), false);
}

function qrBackward(gradQ: Tensor | null, gradR: Tensor | null, q: Tensor, r: Tensor): Tensor {
  const [k, columns] = r.shape.slice(-2) as [number, number];
  if (columns <= k) return squareQrBackward(gradQ, gradR, q, r);
  // R = [R₁, R₂] with R₂ = Qᴴ A₂.
  const r1 = r.narrow(-1, 0, k);
  if (gradR === null) {
    const left = squareQrBackward(gradQ, null, q, r1);
    return cat([left, left.newZeros([...left.shape.slice(0, -1), columns - k])], -1);
  }
  const [grad1, grad2] = [gradR.narrow(-1, 0, k), gradR.narrow(-1, k, columns - k)];
  const right = q.matmul(grad2);
  // A₂ = Q R₂.
  const throughR2 = q.matmul(r.narrow(-1, k, columns - k)).matmul(grad2.mH);
  return cat([squareQrBackward(gradQ === null ? throughR2 : gradQ.add(throughR2), grad1, q, r1), right], -1);
}

/** λⱼ − λᵢ, and 1 on the diagonal. */
function gaps(values: Tensor): Tensor {
  const diagonal = onDiagonal(values, values.shape.at(-1)!);
  return values.unsqueeze(-2).sub(values.unsqueeze(-1)).maskedFill(diagonal, 1);
}

/** V diag(x) W for x along the last dimension. */
const between = (v: Tensor, x: Tensor, w: Tensor): Tensor => v.mul(x.unsqueeze(-2)).matmul(w);

/** dλ = diag(Vᴴ dA V), dV = V ((Vᴴ dA V) / gaps); A is Hermitian, and so is the gradient. */
function eighBackward(gradValues: Tensor | null, gradVectors: Tensor | null, values: Tensor, v: Tensor): Tensor | null {
  if (gradVectors === null) return gradValues === null ? null : between(v, gradValues, v.mH);
  const turned = minusAdjoint(v.mH.matmul(gradVectors)).mul(0.5).div(gaps(values));
  const middle = turned.maskedFill(onDiagonal(v, v.shape.at(-1)!), 0);
  return v.matmul(gradValues === null ? middle : middle.add(gradValues.diagEmbed())).matmul(v.mH);
}

/** dλ = diag(V⁻¹ dA V), dV = V ((V⁻¹ dA V) / gaps) made to keep its length (Boeddeker et al. 2019). */
function eigBackward(gradValues: Tensor | null, gradVectors: Tensor | null, values: Tensor, v: Tensor): Tensor | null {
  if (gradVectors === null) return gradValues === null ? null : linalg.solve(v.mH, v.mH.mul(gradValues.unsqueeze(-1)));
  const turned = v.mH.matmul(gradVectors);
  const products = turned.diagonal(0, -2, -1).unsqueeze(-2);
  const lengths = products.add(products.conj()).mul(0.5);
  const middle = turned.sub(v.mH.matmul(v).mul(lengths)).div(gaps(values).conj());
  const cleared = middle.maskedFill(onDiagonal(v, v.shape.at(-1)!), 0);
  const full = gradValues === null ? cleared : cleared.add(gradValues.diagEmbed());
  return linalg.solve(v.mH, full.matmul(v.mH));
}

/** U and V keep their lengths, so their differentials are skew-Hermitian in their own bases (Townsend 2016). */
function svdBackward(
  gradU: Tensor | null,
  gradS: Tensor | null,
  gradVh: Tensor | null,
  u: Tensor,
  s: Tensor,
  vh: Tensor,
): Tensor | null {
  if (gradU === null && gradVh === null) return gradS === null ? null : between(u, gradS, vh);
  const squares = gaps(s.square());
  const skewU = gradU === null ? null : minusAdjoint(u.mH.matmul(gradU));
  const skewV = gradVh === null ? null : minusAdjoint(vh.matmul(gradVh.mH));
  const diagonal = onDiagonal(u, s.shape.at(-1)!);
  const terms: Tensor[] = [];
  if (skewU !== null) terms.push(skewU.div(squares).mul(s.unsqueeze(-2)).maskedFill(diagonal, 0));
  if (skewV !== null) terms.push(skewV.div(squares).mul(s.unsqueeze(-1)).maskedFill(diagonal, 0));
  if (gradS !== null) terms.push(gradS.diagEmbed().to(u.dtype));
  // The phases of complex vectors turn together.
  if (skewU !== null && u.isComplex()) terms.push(skewU.diagonal(0, -2, -1).div(s.mul(2)).diagEmbed());
  let grad = u.matmul(terms.reduce((a, b) => a.add(b))).matmul(vh);
  if (gradU !== null && u.shape.at(-2)! > s.shape.at(-1)!) {
    const scaled = gradU.div(s.unsqueeze(-2));
    grad = grad.add(scaled.sub(u.matmul(u.mH.matmul(scaled))).matmul(vh));
  }
  if (gradVh !== null && vh.shape.at(-1)! > s.shape.at(-1)!) {
    const scaled = gradVh.div(s.unsqueeze(-1));
    grad = grad.add(u.matmul(scaled.sub(scaled.matmul(vh.mH).matmul(vh))));
  }
  return grad;
}

export const factorRules = {
  linalgCholeskyEx: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ attributes: { upper }, saved: [factor] }, grad) => [
      grad && (upper ? choleskyBackward(grad.mH, factor!.mH) : choleskyBackward(grad, factor!)),
    ],
  },
  choleskySolve: {
    save: ({ inputs, outputs }) => [inputs[1], outputs[0]],
    backward: ({ attributes: { upper }, saved: [factor, x], needs }, grad) => {
      const gradB = choleskySolve(grad, factor!, upper);
      if (!needs[1]) return [gradB, null];
      const both = plusAdjoint(gradB.matmul(x!.mH)).neg();
      return [gradB, upper ? factor!.matmul(both) : both.matmul(factor!)];
    },
  },
  choleskyInverse: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ attributes: { upper }, saved: [factor, inverse] }, grad) => {
      const both = inverse!.matmul(plusAdjoint(grad)).matmul(inverse!).neg();
      return [upper ? factor!.matmul(both) : both.matmul(factor!)];
    },
  },
  linalgSolveTriangular: {
    save: ({ inputs, outputs, needs }) => [inputs[0], needs[0] ? outputs[0] : null],
    backward: ({ attributes: { upper, unit }, saved: [t, x], needs }, grad) => {
      const gradB = solveLeft(t!.mH, grad, !upper, unit);
      if (!needs[0]) return [null, gradB];
      const full = gradB.matmul(x!.mH).neg();
      const shift = unit ? 1 : 0;
      return [upper ? full.triu(shift) : full.tril(-shift), gradB];
    },
  },
  linalgLuFactorEx: {
    save: ({ outputs }) => [outputs[0], outputs[1]],
    backward: ({ saved: [factors, pivots] }, grad) => [
      grad && luUnpack(factors!, pivots!, false).P.matmul(packedLuBackward(grad, factors!)),
    ],
  },
  linalgQr: {
    save: ({ outputs, attributes: { mode }, inputs: [a] }) => {
      const [rows, columns] = a!.shape.slice(-2) as [number, number];
      if (mode === 'r' || (mode === 'complete' && rows > columns)) {
        throw new AutogradError(
          `linalg.qr(): mode '${mode}' has no gradient for ${rows} rows and ${columns} columns; use 'reduced', or noGrad`,
        );
      }
      return outputs;
    },
    backward: ({ saved: [q, r] }, gradQ, gradR) => [
      gradQ || gradR ? qrBackward(gradQ ?? null, gradR ?? null, q!, r!) : null,
    ],
  },
  linalgEigh: {
    save: ({ outputs }) => outputs,
    backward: ({ saved: [values, v] }, gradValues, gradVectors) => [
      eighBackward(gradValues ?? null, gradVectors ?? null, values!, v!),
    ],
  },
  linalgEig: {
    save: ({ outputs }) => outputs,
    backward: ({ saved: [values, v], inputs: [a] }, gradValues, gradVectors) => {
      const grad = eigBackward(gradValues ?? null, gradVectors ?? null, values!, v!);
      // The gradient of a real matrix is the real part.
      return [grad?.to(a!.dtype)];
    },
  },
  linalgSvd: {
    save: ({ outputs }) => outputs,
    backward: ({ attributes: { full }, saved: [u, s, vh] }, gradU, gradS, gradVh) => {
      const k = s!.shape.at(-1)!;
      const columns = (x: Tensor | null): Tensor | null => (full && x ? x.narrow(-1, 0, k) : (x ?? null));
      const rows = (x: Tensor | null): Tensor | null => (full && x ? x.narrow(-2, 0, k) : (x ?? null));
      return [svdBackward(columns(gradU!), gradS ?? null, rows(gradVh!), columns(u!)!, s!, rows(vh!)!)];
    },
  },
} satisfies Rules<FactorOps & keyof LinalgOps>;
