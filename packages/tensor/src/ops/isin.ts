/** @file Membership. */
import { checkOptions } from '../args.ts';
import type { Scalar } from '../backend.ts';
import { tensor } from '../creation.ts';
import { untracked } from '../modes.ts';
import { isTensor, type Tensor } from '../tensor.ts';

export interface IsinOptions {
  /** Accepted for PyTorch's sake; nothing depends on it. */
  assumeUnique?: boolean | undefined;
  /** Which elements are not among the others. */
  invert?: boolean | undefined;
}

/**
 * Which elements are among `testElements`: bool, in the shape of `elements`. One of the two may be a number.
 *
 * ```ts
 * isin(tensor([1, 2, 3]), tensor([2, 5])).toArraySync(); // [false, true, false]
 * ```
 */
export function isin(elements: Tensor | Scalar, testElements: Tensor | Scalar, options: IsinOptions = {}): Tensor {
  checkOptions('isin', options, ['assumeUnique', 'invert']);
  if (!isTensor(elements) && !isTensor(testElements))
    throw new TypeError('isin(): at least one argument must be a tensor');
  return untracked(() => {
    const x = isTensor(elements) ? elements : tensor(elements, { device: (testElements as Tensor).device });
    const found = isTensor(testElements) ? x.unsqueeze(-1).eq(testElements.reshape(-1)).any(-1) : x.eq(testElements);
    return options.invert ? found.logicalNot() : found;
  });
}
