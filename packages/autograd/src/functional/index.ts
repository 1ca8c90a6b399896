/** @file `autograd.functional`: derivatives of functions, as torch.autograd.functional has them. */
export type { FunctionalOptions, ProductOptions } from './arguments.ts';
export {
  type Hessian,
  type HessianOptions,
  hessian,
  type Jacobian,
  type JacobianOptions,
  jacobian,
} from './jacobian.ts';
export { hvp, jvp, vhp, vjp } from './products.ts';
