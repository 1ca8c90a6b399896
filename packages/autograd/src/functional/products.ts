/** @file Products of vectors with Jacobians and Hessians, which need none of these as a whole. */
import { AutogradError, enableGrad, type Tensor, zerosLike } from '@flambeau/tensor';
import {
  arranged,
  entries,
  finished,
  gradients,
  type Like,
  listOf,
  type Parameters,
  type ProductArguments,
  productArguments,
  type Tensors,
  vectorsFor,
} from './arguments.ts';

const vjpArguments = productArguments('vjp');
const jvpArguments = productArguments('jvp');
const vhpArguments = productArguments('vhp');
const hvpArguments = productArguments('hvp');

type Func<In extends Tensors, Out extends Tensors> = (...inputs: Parameters<In>) => Out;

/** The function's results for fresh inputs. */
function evaluate<In extends Tensors, Out extends Tensors>(
  op: string,
  func: Func<In, Out>,
  inputs: In,
  createGraph: boolean,
): { xs: Tensor[]; result: Out; outputs: readonly Tensor[] } {
  const xs = entries(listOf(op, 'inputs', inputs), createGraph);
  const result = func(...(xs as Parameters<In>));
  return { xs, result, outputs: listOf(op, 'the result of the function', result) };
}

/**
 * The function's value and the product of `v` with its Jacobian: vᵀ J, one tensor for each input, of its shape.
 *
 * ```ts
 * const [y, g] = functional.vjp((x: Tensor) => x.exp(), tensor([0, 1]), ones(2));
 * ```
 * @param v one tensor for each output, of its shape; may be left out for a single element.
 */
export function vjp<In extends Tensors, Out extends Tensors>(
  func: Func<In, Out>,
  inputs: In,
  ...args: ProductArguments
): [output: Like<Out>, vjp: Like<In>] {
  const { v, createGraph, strict } = vjpArguments(args);
  return enableGrad(() => {
    const { xs, result, outputs } = evaluate('vjp', func, inputs, createGraph);
    const vectors = vectorsFor('vjp', v, outputs, 'the output');
    const products = gradients('vjp', outputs, xs, vectors, { createGraph, strict });
    return [arranged(result, finished(outputs, createGraph)), arranged(inputs, finished(products, createGraph))] as [
      Like<Out>,
      Like<In>,
    ];
  });
}

/** J v for given outputs: vᵀ J is linear in its vector w, and the derivative by w, applied to v, is J v. */
export function pushForward(
  op: string,
  outputs: readonly Tensor[],
  xs: readonly Tensor[],
  vectors: readonly Tensor[],
  options: { createGraph: boolean; strict: boolean; retainGraph?: boolean },
): Tensor[] {
  const weights = outputs.map((output) => zerosLike(output.detach()).requiresGrad_());
  const pulled = gradients(op, outputs, xs, weights, { createGraph: true, strict: options.strict });
  return gradients(op, pulled, weights, vectors, options);
}

/**
 * The function's value and the product of its Jacobian with `v`: J v, one tensor for each output, of its shape. Computed
 * by two backward passes, as PyTorch's function of this name does.
 *
 * @param v one tensor for each input, of its shape; may be left out for a single element.
 */
export function jvp<In extends Tensors, Out extends Tensors>(
  func: Func<In, Out>,
  inputs: In,
  ...args: ProductArguments
): [output: Like<Out>, jvp: Like<Out>] {
  const { v, createGraph, strict } = jvpArguments(args);
  return enableGrad(() => {
    const { xs, result, outputs } = evaluate('jvp', func, inputs, createGraph);
    const vectors = vectorsFor('jvp', v, xs, 'the input');
    const products = pushForward('jvp', outputs, xs, vectors, { createGraph, strict });
    return [arranged(result, finished(outputs, createGraph)), arranged(result, finished(products, createGraph))] as [
      Like<Out>,
      Like<Out>,
    ];
  });
}

/** The function's only result, of one element. */
function single(op: string, outputs: readonly Tensor[]): Tensor {
  if (outputs.length === 1 && outputs[0]!.elementCount === 1) return outputs[0]!;
  throw new AutogradError(`${op}(): the function must return one tensor of one element`);
}

/**
 * The function's value and the product of `v` with its Hessian, one tensor for each input. The function must return a
 * single element.
 */
export function vhp<In extends Tensors>(
  func: Func<In, Tensor>,
  inputs: In,
  ...args: ProductArguments
): [output: Tensor, vhp: Like<In>] {
  const { v, createGraph, strict } = vhpArguments(args);
  return enableGrad(() => {
    const { xs, outputs } = evaluate('vhp', func, inputs, createGraph);
    const output = single('vhp', outputs);
    const vectors = vectorsFor('vhp', v, xs, 'the input');
    const first = gradients('vhp', [output], xs, [output.detach().fill(1)], { createGraph: true, strict });
    const products = gradients('vhp', first, xs, vectors, { createGraph, strict });
    return [finished([output], createGraph)[0]!, arranged(inputs, finished(products, createGraph)) as Like<In>];
  });
}

/**
 * The function's value and the product of its Hessian with `v`, one tensor for each input. The same as `vhp` for smooth
 * functions, which is cheaper.
 */
export function hvp<In extends Tensors>(
  func: Func<In, Tensor>,
  inputs: In,
  ...args: ProductArguments
): [output: Tensor, hvp: Like<In>] {
  const { v, createGraph, strict } = hvpArguments(args);
  return enableGrad(() => {
    const { xs, outputs } = evaluate('hvp', func, inputs, createGraph);
    const output = single('hvp', outputs);
    const vectors = vectorsFor('hvp', v, xs, 'the input');
    const first = gradients('hvp', [output], xs, [output.detach().fill(1)], { createGraph: true, strict });
    const products = pushForward('hvp', first, xs, vectors, { createGraph, strict });
    return [finished([output], createGraph)[0]!, arranged(inputs, finished(products, createGraph)) as Like<In>];
  });
}
