/** @file Derivatives of solutions, inverses, determinants and functions of matrices (Giles 2008, unless another source is named). */
import { cat, linalg, type Tensor, where } from '@flambeau/tensor';
import type { LinalgOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

type SolutionOps =
  | 'linalgSolveEx'
  | 'linalgInvEx'
  | 'linalgDet'
  | 'linalgSlogdet'
  | 'linalgPinv'
  | 'linalgLstsq'
  | 'linalgMatrixExp';

/** A number for each matrix, to be multiplied with it. */
const asMatrix = (x: Tensor): Tensor => x.unsqueeze(-1).unsqueeze(-1);

/**
 * The matrix of cofactors, ∂det/∂A: det · A⁻ᴴ, and where a determinant is 0, from singular values, the products of all
 * but one of which need no division.
 */
function cofactors(a: Tensor, det: Tensor): Tensor {
  if (a.elementCount === 0) return a.clone();
  if (!det.detach().eq(0).any().itemSync()) return linalg.invEx(a).inverse.mH.mul(asMatrix(det.conj()));
  const { U, S, Vh } = linalg.svd(a);
  const diagonal = S.detach()
    .newOnes([S.shape.at(-1)!], { dtype: 'bool' })
    .diagEmbed();
  const others = where(diagonal, 1, S.unsqueeze(-2)).prod(-1);
  const phase = linalg.det(U).mul(linalg.det(Vh)).conj();
  return U.mul(others.unsqueeze(-2)).matmul(Vh).mul(asMatrix(phase));
}

/** A⁺ of constant rank: dA⁺ = −A⁺ dA A⁺ + A⁺A⁺ᴴ dAᴴ (I − A A⁺) + (I − A⁺A) dAᴴ A⁺ᴴA⁺ (Golub & Pereyra 1973). */
function pinvBackward(grad: Tensor, a: Tensor, inverse: Tensor): Tensor {
  const [adjoint, g] = [inverse.mH, grad.mH];
  const first = adjoint.matmul(grad).matmul(adjoint);
  const left = g.matmul(inverse).matmul(adjoint);
  const right = adjoint.matmul(inverse).matmul(g);
  return left
    .sub(a.matmul(inverse.matmul(left)))
    .add(right.sub(right.matmul(inverse).matmul(a)))
    .sub(first);
}

/** The upper right block of exp([[Aᴴ, G], [0, Aᴴ]]) is the directional derivative along G (Najfeld & Havel 1995). */
function exponentialBackward(grad: Tensor, a: Tensor): Tensor {
  if (a.elementCount === 0) return grad;
  const n = a.shape.at(-1)!;
  const [adjoint, zero] = [a.mH, a.detach().newZeros(a.shape)];
  const blocks = cat([cat([adjoint, grad], -1), cat([zero, adjoint], -1)], -2);
  return linalg.matrixExp(blocks).narrow(-2, 0, n).narrow(-1, n, n);
}

export const linalgRules = {
  linalgSolveEx: {
    save: ({ inputs, outputs, needs }) => [inputs[0], needs[0] ? outputs[0] : null],
    backward: ({ saved: [a, x], needs }, grad) => {
      const gradB = linalg.solveEx(a!.mH, grad).result;
      return [needs[0] ? gradB.matmul(x!.mH).neg() : null, gradB];
    },
  },
  linalgInvEx: {
    save: ({ outputs }) => [outputs[0]],
    backward: ({ saved: [inverse] }, grad) => [inverse!.mH.matmul(grad).matmul(inverse!.mH).neg()],
  },
  linalgDet: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ saved: [a, det] }, grad) => [cofactors(a!, det!).mul(asMatrix(grad))],
  },
  linalgSlogdet: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ saved: [a, sign] }, gradSign, gradLog) => {
      const inverse = linalg.invEx(a!).inverse.mH;
      if (!a!.isComplex()) return [gradLog && inverse.mul(asMatrix(gradLog))];
      // The logarithm's imaginary part is the angle of the sign.
      const turn = gradSign?.mul(sign!.conj());
      const part = turn?.sub(turn.conj()).mul(0.5);
      const factor = part === undefined ? gradLog! : gradLog ? part.add(gradLog) : part;
      return [inverse.mul(asMatrix(factor))];
    },
  },
  linalgPinv: {
    save: ({ inputs, outputs }) => [inputs[0], outputs[0]],
    backward: ({ saved: [a, inverse] }, grad) => [pinvBackward(grad, a!, inverse!)],
  },
  linalgLstsq: {
    save: ({ inputs }) => [inputs[0], inputs[1]],
    backward: ({ saved: [a, b], needs }, grad) => {
      const inverse = linalg.pinv(a!);
      return [
        needs[0] ? pinvBackward(grad.matmul(b!.mH), a!, inverse) : null,
        needs[1] ? inverse.mH.matmul(grad) : null,
      ];
    },
  },
  linalgMatrixExp: {
    save: ({ inputs }) => [inputs[0]],
    backward: ({ saved: [a] }, grad) => [exponentialBackward(grad, a!)],
  },
} satisfies Rules<SolutionOps & keyof LinalgOps>;
