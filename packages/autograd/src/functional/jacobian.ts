/** @file Whole Jacobians and Hessians. */
import { AutogradError, enableGrad, stack, type Tensor, zeros, zerosLike } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import {
  arranged,
  entries,
  type FunctionalOptions,
  finished,
  gradients,
  type Like,
  listOf,
  type Parameters,
  type Tensors,
} from './arguments.ts';

export interface JacobianOptions extends FunctionalOptions {
  /** Accepted as in PyTorch; rows are computed one after the other in any case. */
  vectorize?: boolean | undefined;
  /** Accepted as in PyTorch; the numbers are the same, and rows are computed backward in any case. */
  strategy?: 'reverse-mode' | 'forward-mode' | undefined;
}

export interface HessianOptions extends FunctionalOptions {
  vectorize?: boolean | undefined;
  outerJacobianStrategy?: 'reverse-mode' | 'forward-mode' | undefined;
}

type Positional<Strategy extends string | undefined> = [
  createGraph: boolean | undefined,
  strict: boolean | undefined,
  vectorize: boolean | undefined,
  strategy: Strategy | undefined,
];
type JacobianArguments = Trailing<Positional<JacobianOptions['strategy']>, JacobianOptions>;
type HessianArguments = Trailing<Positional<HessianOptions['outerJacobianStrategy']>, HessianOptions>;

const defaults = { createGraph: false, strict: false, vectorize: false };
const jacobianArguments = signature<typeof defaults & { strategy: string }>(
  'jacobian',
  ['createGraph', 'strict', 'vectorize', 'strategy'],
  { ...defaults, strategy: 'reverse-mode' },
);
const hessianArguments = signature<typeof defaults & { outerJacobianStrategy: string }>(
  'hessian',
  ['createGraph', 'strict', 'vectorize', 'outerJacobianStrategy'],
  { ...defaults, outerJacobianStrategy: 'reverse-mode' },
);

/** One tensor [...output shape, ...input shape] for each input, from one backward pass for each element of the output. */
export function jacobiansOf(
  op: string,
  output: Tensor,
  xs: readonly Tensor[],
  options: { createGraph: boolean; strict: boolean },
): Tensor[] {
  const { elementCount, shape } = output;
  const rows = Array.from({ length: elementCount }, (_, j) => {
    const basis = zerosLike(output.detach()).flatten();
    basis.narrow(0, j, 1).fill_(1);
    return gradients(op, [output], xs, [basis.view([...shape])], { ...options, retainGraph: true });
  });
  return xs.map((x, i) => {
    const { dtype, device } = x;
    if (rows.length === 0) return zeros([...shape, ...x.shape], { dtype, device });
    return stack(rows.map((row) => row[i]!)).reshape([...shape, ...x.shape]);
  });
}

/** Jacobians by all inputs: for each output where there are several. */
export type Jacobian<In extends Tensors, Out extends Tensors> = Out extends Tensor
  ? Like<In>
  : { -readonly [K in keyof Out]: Like<In> };

/**
 * All derivatives of a function's results by its inputs. For one input and one result a tensor of shape [...result's
 * shape, ...input's shape]; for several inputs a list by input, for several results a list by result (of lists by input).
 *
 * ```ts
 * functional.jacobian((x: Tensor) => x.mul(x), tensor([1, 2])); // tensor([[2., 0.], [0., 4.]])
 * ```
 */
export function jacobian<In extends Tensors, Out extends Tensors>(
  func: (...inputs: Parameters<In>) => Out,
  inputs: In,
  ...args: JacobianArguments
): Jacobian<In, Out> {
  const { createGraph, strict } = jacobianArguments(args);
  return enableGrad(() => {
    const xs = entries(listOf('jacobian', 'inputs', inputs), createGraph);
    const result = func(...(xs as Parameters<In>));
    const outputs = listOf('jacobian', 'the result of the function', result);
    const all = outputs.map((output) =>
      arranged(inputs, finished(jacobiansOf('jacobian', output, xs, { createGraph, strict }), createGraph)),
    );
    return arranged(result, all) as Jacobian<In, Out>;
  });
}

/** Second derivatives: a tensor [...input's shape, ...input's shape], or for several inputs a list of lists of [...first's, ...second's]. */
export type Hessian<In extends Tensors> = In extends Tensor ? Tensor : { -readonly [K in keyof In]: Like<In> };

/**
 * All second derivatives of a function that returns a single element.
 *
 * ```ts
 * functional.hessian((x: Tensor) => x.pow(3).sum(), tensor([1, 2])); // tensor([[ 6.,  0.], [ 0., 12.]])
 * ```
 */
export function hessian<In extends Tensors>(
  func: (...inputs: Parameters<In>) => Tensor,
  inputs: In,
  ...args: HessianArguments
): Hessian<In> {
  const { createGraph, strict } = hessianArguments(args);
  return enableGrad(() => {
    const xs = entries(listOf('hessian', 'inputs', inputs), createGraph);
    const output = func(...(xs as Parameters<In>));
    if (listOf('hessian', 'the result of the function', output).length !== 1 || output.elementCount !== 1) {
      throw new AutogradError('hessian(): the function must return one tensor of one element');
    }
    const start = output.detach().fill(1);
    const first = gradients('hessian', [output], xs, [start], { createGraph: true, strict });
    const rows = first.map((gradient) =>
      arranged(inputs, finished(jacobiansOf('hessian', gradient, xs, { createGraph, strict }), createGraph)),
    );
    return arranged(inputs, rows) as Hessian<In>;
  });
}
