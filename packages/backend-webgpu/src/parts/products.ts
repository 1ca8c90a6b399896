/** @file How matrix products, convolutions and pooling are cut. */
import type { Backend, ConvSpec } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import { conv, convBackwardInput, convBackwardWeight } from '../kernels/conv.ts';
import type { Axis, Call, CallsOf, Device } from './calls.ts';
import type { Views } from './windows.ts';

/**
 * Products one after the other. Each is recorded before the next begins, because a product waits for the op that follows, and
 * what goes wrong with it then is told to who uses its result: here it has to be told to who asked for the whole.
 */
function inTurn(commands: Commands, run: (views: Views, first: boolean) => void): Pick<Call, 'run' | 'between'> {
  const between = (): void => {
    if (commands.waiting !== null) commands.finish(null);
  };
  return {
    between,
    run(parts) {
      for (const [i, views] of parts.entries()) {
        if (i > 0) between();
        run(views, i === 0);
      }
    },
  };
}

export const productCalls = ({ commands, backend }: Device): CallsOf<Pick<Backend, 'matmul'>> => ({
  matmul(a, b, out, options = {}) {
    const rank = out.shape.length - 2;
    const batch = Array.from({ length: rank }, (_, d): Axis => [d, d, d, -1]);
    return {
      op: 'matmul',
      views: [a, b, out, options.bias ?? null],
      axes: [...batch, [rank, -1, rank, -1], [-1, rank + 1, rank + 1, 0]],
      together: [[rank + 1, rank, -1, -1]],
      ...inTurn(commands, ([left, right, own, bias], first) => {
        const { alpha } = options;
        const ownOptions = first ? { ...options, bias: bias ?? undefined } : { alpha, accumulate: true };
        backend.matmul(left!, right!, own!, ownOptions);
      }),
    };
  },
});

type Convolution = 'conv' | 'convBackwardInput' | 'convBackwardWeight';

/** By images, and by channels where these are in one group. What is summed over in parts is added to the result. */
export const convolutionCalls = ({ commands, memory }: Device): CallsOf<Pick<Backend, Convolution>> => ({
  conv: (x, w, bias, out, spec) => ({
    op: 'convolution',
    views: [x, w, bias, out],
    axes: inGroup(spec, [[0, -1, -1, 0]], [[-1, 0, 0, 1]]),
    together: inGroup(spec, [], [[1, 1, -1, -1]]),
    ...inTurn(commands, ([image, kernel, shift, own], first) =>
      conv(commands, memory, image!, kernel!, first ? shift! : null, own!, spec, !first),
    ),
  }),
  convBackwardInput: (grad, w, gradX, spec) => ({
    op: 'convolutionInput',
    views: [grad, w, gradX],
    axes: inGroup(spec, [[0, -1, 0]], [[-1, 1, 1]]),
    together: inGroup(spec, [], [[1, 0, -1]]),
    ...inTurn(commands, ([slope, kernel, own], first) =>
      convBackwardInput(commands, memory, slope!, kernel!, own!, spec, !first),
    ),
  }),
  convBackwardWeight: (grad, x, gradW, spec) => ({
    op: 'convolutionWeight',
    views: [grad, x, gradW],
    axes: inGroup(
      spec,
      [],
      [
        [1, -1, 0],
        [-1, 1, 1],
      ],
    ),
    together: [[0, 0, -1]],
    ...inTurn(commands, ([slope, image, own], first) =>
      convBackwardWeight(commands, memory, slope!, image!, own!, spec, !first),
    ),
  }),
});

/** Axes of a convolution, with those of channels where all of these are in one group. */
const inGroup = ({ groups }: ConvSpec, images: readonly Axis[], channels: readonly Axis[]): readonly Axis[] =>
  groups === 1 ? [...images, ...channels] : images;

type Pooling = 'maxPool' | 'maxPoolBackward' | 'avgPool' | 'avgPoolBackward';

/** Images and channels of `count` views. */
const planes = (count: number): Axis[] => [0, 1].map((dim) => new Array<number>(count).fill(dim));

export const poolingCalls = ({ backend }: Device): CallsOf<Pick<Backend, Pooling>> => ({
  maxPool: (x, out, indices, spec) => ({
    op: 'maxPool',
    views: [x, out, indices],
    axes: planes(3),
    run: ([own]) => backend.maxPool(own![0]!, own![1]!, own![2]!, spec),
  }),
  maxPoolBackward: (grad, indices, gradX, spec) => ({
    op: 'maxPoolInput',
    views: [grad, indices, gradX],
    axes: planes(3),
    run: ([own]) => backend.maxPoolBackward(own![0]!, own![1]!, own![2]!, spec),
  }),
  avgPool: (x, out, spec) => ({
    op: 'avgPool',
    views: [x, out],
    axes: planes(2),
    run: ([own]) => backend.avgPool(own![0]!, own![1]!, spec),
  }),
  avgPoolBackward: (grad, gradX, spec) => ({
    op: 'avgPoolInput',
    views: [grad, gradX],
    axes: planes(2),
    run: ([own]) => backend.avgPoolBackward(own![0]!, own![1]!, spec),
  }),
});
