/** @file Update kernels: one for each combination of an optimizer's switches, made when first needed. */
import { isTensor, type Tensor, zeros } from '@flambeau/tensor';
import { type Expr, type Pointwise, pointwise } from '@flambeau/tensor/internal';
import type { ParameterState } from './optimizer.ts';

/** Zeros like a parameter, for what an optimizer keeps of it. */
export const zerosLike = (p: Tensor): Tensor => zeros([...p.shape], { dtype: p.dtype, device: p.device });

/** A tensor of a parameter's state; zeros when it is not there yet, because an option was switched on later. */
export function keptTensor(state: ParameterState, key: string, p: Tensor): Tensor {
  const found = state[key];
  if (isTensor(found)) return found;
  const made = zerosLike(p);
  state[key] = made;
  return made;
}

/**
 * Makes the getter of an optimizer's kernels. `build(switches, tensors, numbers)` gives the results as expressions of
 * the tensors and the numbers of a step; which of them there are depends on the switches.
 */
export function kernelFamily<Switches extends Readonly<Record<string, boolean | string>>>(
  name: string,
  tensors: (switches: Switches) => number,
  numbers: number,
  build: (switches: Switches, tensors: Expr[], numbers: Expr[]) => Expr | readonly Expr[],
): (switches: Switches) => Pointwise {
  const made = new Map<string, Pointwise>();
  return (switches) => {
    const key = Object.values(switches).join();
    let kernel = made.get(key);
    if (kernel === undefined) {
      const count = tensors(switches);
      kernel = pointwise(count + numbers, (...inputs) => build(switches, inputs.slice(0, count), inputs.slice(count)), {
        name,
        promotion: 'promote',
        parameters: numbers,
      });
      made.set(key, kernel);
    }
    return kernel;
  };
}

/** The gradient to descend along: turned round to maximize, with weight decay where `decay` says so. */
export function descent(
  g: Expr,
  p: Expr,
  weightDecay: Expr,
  switches: { readonly maximize?: boolean; readonly decay: boolean },
): Expr {
  const ascent = switches.maximize ? g.neg() : g;
  return switches.decay ? ascent.add(p.mul(weightDecay)) : ascent;
}
