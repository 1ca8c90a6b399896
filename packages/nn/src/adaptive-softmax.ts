/** @file Adaptive softmax for many classes, of which most are rare. Grave et al. 2017. */
import { cat, IndexError, ShapeError, type Tensor, zeros } from '@flambeau/tensor';
import { backendFor, signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import { ModuleList, Sequential } from './containers.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

export interface AdaptiveSoftmaxOptions extends Factory {
  /** By which the size of each cluster's projection falls. */
  divValue?: number | undefined;
  headBias?: boolean | undefined;
}

interface Settings extends Factory {
  inFeatures: number;
  nClasses: number;
  cutoffs: readonly number[];
  divValue: number;
  headBias: boolean;
}

/**
 * The log-probabilities of targets, and their mean loss. Classes are sorted by frequency: those below the first cutoff
 * are in the head, the others in clusters that the head chooses among, with projections of falling size.
 *
 * Input [N, inFeatures], target [N]; returns [log-probabilities [N], loss].
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  head: Linear;
  tail: ModuleList<Sequential<[Linear, Linear]>>;
  readonly inFeatures: number;
  readonly nClasses: number;
  /** Where clusters end, the number of classes included. */
  readonly cutoffs: readonly number[];

  constructor(
    ...args: Arguments<
      [inFeatures: number, nClasses: number, cutoffs: readonly number[]],
      [divValue: number, headBias: boolean],
      { inFeatures: number; nClasses: number; cutoffs: readonly number[] },
      AdaptiveSoftmaxOptions
    >
  ) {
    super();
    const parse = signature<Settings>(
      'AdaptiveLogSoftmaxWithLoss',
      ['inFeatures', 'nClasses', 'cutoffs', 'divValue', 'headBias'],
      {
        divValue: 4,
        headBias: false,
        ...factoryDefaults,
      },
    );
    const { inFeatures, nClasses, cutoffs, divValue, headBias, dtype, device } = parse(args);
    const rising = cutoffs.every(
      (cutoff, i) => Number.isInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses,
    );
    if (!rising || cutoffs.length === 0) {
      throw new RangeError(
        `AdaptiveLogSoftmaxWithLoss: cutoffs must be rising integers between 1 and ${nClasses - 1}, got [${cutoffs.join(', ')}]`,
      );
    }
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [...cutoffs, nClasses];
    this.head = new Linear(inFeatures, cutoffs[0]! + cutoffs.length, { bias: headBias, dtype, device });
    this.tail = new ModuleList(
      cutoffs.map((cutoff, i) => {
        const size = Math.floor(inFeatures / divValue ** (i + 1));
        const options = { bias: false, dtype, device };
        return new Sequential(
          new Linear(inFeatures, size, options),
          new Linear(size, this.cutoffs[i + 1]! - cutoff, options),
        );
      }),
    );
  }

  /** Draws all weights anew. */
  resetParameters(): void {
    for (const linear of [this.head, ...[...this.tail].flatMap((cluster) => [...cluster])]) linear.resetParameters();
  }

  forward(input: Tensor, target: Tensor): [output: Tensor, loss: Tensor] {
    if (input.ndim === 1 && target.ndim === 0) {
      const [output, loss] = this.forward(input.unsqueeze(0), target.unsqueeze(0));
      return [output.squeeze(0), loss];
    }
    if (input.ndim !== 2 || target.ndim !== 1 || input.shape[0] !== target.shape[0]) {
      throw new ShapeError(
        `AdaptiveLogSoftmaxWithLoss: expected input [N, ${this.inFeatures}] and target [N], got [${input.shape.join(', ')}] and [${target.shape.join(', ')}]`,
      );
    }
    checkTargets(target, this.nClasses);
    const shortlist = this.cutoffs[0]!;
    const head = this.head(input).logSoftmax(1);
    // For each row the class itself, or the cluster that has it.
    let place = target;
    let inside: Tensor = zeros([input.shape[0]!], { dtype: input.dtype, device: input.device });
    for (const [i, cluster] of [...this.tail].entries()) {
      const [low, high] = [this.cutoffs[i]!, this.cutoffs[i + 1]!];
      const here = target.ge(low).logicalAnd(target.lt(high));
      place = place.maskedFill(here, shortlist + i);
      const own = target
        .sub(low)
        .clamp(0, high - low - 1)
        .unsqueeze(1);
      const local = cluster(input).logSoftmax(1).gather(1, own).squeeze(1);
      inside = inside.add(local.maskedFill(here.logicalNot(), 0));
    }
    const output = head.gather(1, place.unsqueeze(1)).squeeze(1).add(inside);
    return [output, output.neg().mean()];
  }

  /** Log-probabilities of all classes, [N, nClasses]. */
  logProb(input: Tensor): Tensor {
    const shortlist = this.cutoffs[0]!;
    const head = this.head(input).logSoftmax(1);
    const clusters = [...this.tail].map((cluster, i) =>
      cluster(input)
        .logSoftmax(1)
        .add(head.narrow(1, shortlist + i, 1)),
    );
    return cat([head.narrow(1, 0, shortlist), ...clusters], 1);
  }

  /** The most probable class of each row (int32). */
  predict(input: Tensor): Tensor {
    return this.logProb(input).argmax(1);
  }
}

/** @throws IndexError on the CPU for a target that is no class. */
function checkTargets(target: Tensor, classes: number): void {
  if (backendFor(target.device).readSync === null) return;
  for (const value of target.toTypedArraySync()) {
    if (Number(value) < 0 || Number(value) >= classes)
      throw new IndexError(`AdaptiveLogSoftmaxWithLoss: target ${value} is out of bounds for ${classes} classes`);
  }
}
