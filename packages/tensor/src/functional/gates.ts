/** @file Activations with learned, random or split inputs: prelu, rrelu, glu. */

import { signature } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { Expr } from '../ir/expr.ts';
import { sameDType } from '../ops/make.ts';
import { callPointwise, pointwise } from '../pointwise.ts';
import { shownAs } from '../record.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

const preluOp = pointwise(2, (x, weight) => x.gt(0).where(x, weight.mul(x)), {
  name: 'prelu',
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [x, weight]) => [x!.gt(0).where(grad, weight!.mul(grad)), x!.gt(0).where(0, x!.mul(grad))],
});

const parsePrelu = signature<{ weight: Tensor }>('prelu', ['weight'], {});

/**
 * x where x > 0, else weight · x.
 * @param input [N, C, ...]
 * @param weight one slope for all, or [C]
 * @throws ShapeError when weight has neither one element nor one for each channel.
 */
export function prelu(input: Tensor, ...args: [weight: Tensor] | [options: { weight: Tensor }]): Tensor {
  let { weight } = parsePrelu(args);
  if (state.autocasting) [input, weight] = autocastOperands('prelu', [input, weight] as const);
  sameDType('prelu', input, weight);
  const { shape } = input;
  if (weight.shape.length > 1)
    throw new ShapeError(`prelu(): weight must be 0-d or 1-d, got shape ${formatShape(weight.shape)}`);
  const apply = (slopes: Tensor): Tensor =>
    shownAs('PreluBackward0', [input, weight], callPointwise(preluOp, [input, slopes]));
  if (weight.elementCount === 1) return apply(weight.reshape([]));
  const channels = shape.length === 0 ? 0 : (shape[1] ?? 1);
  if (weight.elementCount !== channels) {
    throw new ShapeError(
      `prelu(): weight ${formatShape(weight.shape)} does not fit the ${channels} channels of input ${formatShape(shape)}`,
    );
  }
  return apply(weight.reshape([channels, ...shape.slice(2).map(() => 1)]));
}

const gluOp = pointwise(2, (a, gate) => a.mul(gate.sigmoid()), {
  name: 'glu',
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, gate]) => {
    const open = gate!.sigmoid();
    return [grad.mul(open), grad.mul(a!).mul(open).mul(Expr.const(1).sub(open))];
  },
});

/**
 * The first half along `dim` times the sigmoid of the second half (Dauphin et al., 2016).
 * @throws ShapeError for an odd size.
 */
export function glu(input: Tensor, dim = -1): Tensor {
  if (input.shape.length === 0) throw new ShapeError('glu(): a 0-d tensor cannot be halved');
  const d = wrapDim('glu', dim, input.shape.length);
  const size = input.shape[d]!;
  if (size % 2 !== 0)
    throw new ShapeError(
      `glu(): size ${size} of dimension ${dim} in ${formatShape(input.shape)} is odd and cannot be halved`,
    );
  const halves = [input.narrow(d, 0, size / 2), input.narrow(d, size / 2, size / 2)];
  return shownAs('GluBackward0', [input], callPointwise(gluOp, halves));
}
