/** @file varMean and stdMean, which PyTorch has as functions only. */
import { spreadArguments, spreadOf, type VarArguments } from '../spread.ts';
import type { Tensor } from '../tensor.ts';

const varArguments = spreadArguments('varMean');
const stdArguments = spreadArguments('stdMean');

/** Variance and mean over some dimensions or all: `const [variance, mean] = varMean(x, 0)`. */
export function varMean(self: Tensor, ...args: VarArguments): [variance: Tensor, mean: Tensor] {
  const spread = varArguments(self, args);
  return [spreadOf('var', self, spread), self.mean(spread.dims, spread.keepdim)];
}

/** Standard deviation and mean over some dimensions or all. */
export function stdMean(self: Tensor, ...args: VarArguments): [deviation: Tensor, mean: Tensor] {
  const spread = stdArguments(self, args);
  return [spreadOf('std', self, spread), self.mean(spread.dims, spread.keepdim)];
}
