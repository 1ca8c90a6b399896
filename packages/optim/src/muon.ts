/** @file Muon. */
import { addmm, isTensor, ShapeError, type Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { expect, expectNotNegative } from './options.ts';

/** The polynomial a·x + b·x³ + c·x⁵ that each step applies to the singular values. */
export type NewtonSchulzCoefficients = readonly [a: number, b: number, c: number];

/**
 * How the learning rate follows from a matrix's shape [rows, columns]: `'original'` is Jordan's √max(1, rows / columns),
 * `'match_rms_adamw'` Moonshot's 0.2 · √max(rows, columns), with which AdamW's rates and decays can be used.
 */
export type MuonRate = 'original' | 'match_rms_adamw';

export interface MuonOptions {
  /** Learning rate. */
  lr: number;
  /** Pull of every weight towards 0 that is no part of the gradient. */
  weightDecay: number;
  /** The old average's share in the next one. */
  momentum: number;
  /** Looks one step ahead. */
  nesterov: boolean;
  nsCoefficients: NewtonSchulzCoefficients;
  /** Least norm of a gradient. */
  eps: number;
  /** Steps of the iteration. */
  nsSteps: number;
  adjustLrFn: MuonRate | null;
}

const parse = signature<MuonOptions>(
  'Muon',
  ['lr', 'weightDecay', 'momentum', 'nesterov', 'nsCoefficients', 'eps', 'nsSteps', 'adjustLrFn'],
  {
    lr: 1e-3,
    weightDecay: 0.1,
    momentum: 0.95,
    nesterov: true,
    // Keller Jordan's, tuned to bring small singular values up fast: they end between 0.7 and 1.2, not at 1.
    nsCoefficients: [3.4445, -4.775, 2.0315],
    eps: 1e-7,
    nsSteps: 5,
    adjustLrFn: null,
  },
);

/** The average of gradients and the direction, in one kernel. */
const directionKernel = kernelFamily<{ nesterov: boolean }>(
  'MuonMomentum',
  () => 2,
  2,
  ({ nesterov }, [g, buffer], [momentum, rest]) => {
    const next = buffer!.mul(momentum!).add(g!.mul(rest!));
    return nesterov ? [g!.mul(rest!).add(next.mul(momentum!)), next] : [next, next];
  },
);

/** The step itself. The first number shrinks the parameter. */
const stepKernel = kernelFamily<Record<string, never>>(
  'Muon',
  () => 2,
  2,
  (_switches, [p, direction], [shrink, lr]) => p!.mul(shrink!).sub(direction!.mul(lr!)),
);

/**
 * A matrix with the singular vectors of `matrix` and singular values near 1, by Newton–Schulz iteration: matrix products
 * only. In the matrix's own dtype, where PyTorch takes bfloat16.
 */
export function orthogonalized(
  matrix: Tensor,
  { nsCoefficients: [a, b, c], nsSteps, eps }: Pick<MuonOptions, 'nsCoefficients' | 'nsSteps' | 'eps'>,
): Tensor {
  const tall = matrix.shape[0]! > matrix.shape[1]!;
  const wide = tall ? matrix.t() : matrix;
  // The norm is at least the largest singular value.
  let x = wide.div(wide.norm().clampMin(eps));
  for (let i = 0; i < nsSteps; i++) {
    const gram = x.matmul(x.t());
    const factor = addmm(gram, gram, gram, { beta: b, alpha: c });
    x = addmm(x, factor, x, { beta: a });
  }
  return tall ? x.t() : x;
}

function rateOf(lr: number, fn: MuonRate | null, [rows, columns]: readonly number[]): number {
  return fn === 'match_rms_adamw'
    ? lr * 0.2 * Math.sqrt(Math.max(rows!, columns!))
    : lr * Math.sqrt(Math.max(1, rows! / columns!));
}

/**
 * Muon (Jordan et al. 2024, as in PyTorch 2.9): the average of a matrix's gradients with all its singular values brought
 * to about 1. For the weight matrices of hidden layers; embeddings, biases, gains and the last layer belong to AdamW.
 *
 * ```ts
 * const hidden = net.body.parameters().filter((p) => p.ndim === 2);
 * const others = net.parameters().filter((p) => !hidden.includes(p));
 * const optimizers = [new Muon(hidden, { lr: 0.02 }), new AdamW(others)];
 * ```
 * @throws ShapeError for parameters that are no matrices.
 */
export class Muon extends Optimizer<MuonOptions> {
  constructor(
    params: Params<MuonOptions>,
    ...args: Trailing<
      [
        lr: number,
        weightDecay: number,
        momentum: number,
        nesterov: boolean,
        nsCoefficients: NewtonSchulzCoefficients,
        eps: number,
        nsSteps: number,
        adjustLrFn: MuonRate | null,
      ],
      Partial<MuonOptions>
    >
  ) {
    super(params, parse(args));
  }

  override addParamGroup(group: Parameters<Optimizer<MuonOptions>['addParamGroup']>[0]): void {
    const params = isTensor(group.params) ? [group.params] : [...group.params];
    const wrong = params.find((p) => p.ndim !== 2);
    if (wrong !== undefined) {
      throw new ShapeError(
        `Muon: parameters must be matrices, got shape [${wrong.shape.join(', ')}]; give the others to AdamW`,
      );
    }
    super.addParamGroup({ ...group, params });
  }

  protected check({ lr, weightDecay, momentum, eps, nsSteps, nsCoefficients, adjustLrFn }: MuonOptions): void {
    expectNotNegative('Muon', { lr, weightDecay, momentum, eps });
    expect(Number.isInteger(nsSteps) && nsSteps >= 0 && nsSteps < 100, 'Muon', 'nsSteps', 'from 0 to 99', nsSteps);
    expect(nsCoefficients.length === 3, 'Muon', 'nsCoefficients', 'three numbers', nsCoefficients);
    expect(
      adjustLrFn === null || adjustLrFn === 'original' || adjustLrFn === 'match_rms_adamw',
      'Muon',
      'adjustLrFn',
      "'original', 'match_rms_adamw' or null",
      adjustLrFn,
    );
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<MuonOptions>): void {
    const { lr, weightDecay, momentum, nesterov, adjustLrFn } = group;
    const { momentum_buffer: buffer } = this.stateOf(p, () => ({ momentum_buffer: zerosLike(p) }));
    const direction = zerosLike(p);
    callPointwiseOver(directionKernel({ nesterov }), [grad, buffer, momentum, 1 - momentum], [direction, buffer]);
    const update = orthogonalized(direction, group);
    callPointwiseOver(stepKernel({}), [p, update, 1 - lr * weightDecay, rateOf(lr, adjustLrFn, p.shape)], [p]);
  }
}
