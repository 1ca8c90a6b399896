/** @file varMean and stdMean, which PyTorch has as functions only. */
import { shownAs } from '../record.ts';
import { spreadArguments, spreadOf, type VarArguments } from '../spread.ts';
import type { Tensor } from '../tensor.ts';

const varArguments = spreadArguments('varMean');
const stdArguments = spreadArguments('stdMean');

const both = (node: string, self: Tensor, spread: Tensor, mean: Tensor): [Tensor, Tensor] => [
  shownAs(node, [self], spread),
  shownAs(node, [self], mean),
];

/** Variance and mean over some dimensions or all: `const [variance, mean] = varMean(x, 0)`. */
export function varMean(self: Tensor, ...args: VarArguments): [variance: Tensor, mean: Tensor] {
  const spread = varArguments(self, args);
  return both('VarMeanBackward0', self, spreadOf('var', self, spread), self.mean(spread.dims, spread.keepdim));
}

/** Standard deviation and mean over some dimensions or all. */
export function stdMean(self: Tensor, ...args: VarArguments): [deviation: Tensor, mean: Tensor] {
  const spread = stdArguments(self, args);
  return both('StdMeanBackward0', self, spreadOf('std', self, spread), self.mean(spread.dims, spread.keepdim));
}
