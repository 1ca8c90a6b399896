/** @file Comparisons of whole tensors, whose results are JavaScript values: asynchronous everywhere, `…Sync` on the CPU. */
import type { Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { mixedDevices } from '../pointwise.ts';
import { readForSync } from '../read-now.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { IscloseOptions } from './compare.ts';

/** Whether all elements of a bool tensor are true, as a tensor. */
function sameElements(self: Tensor, other: Tensor): Tensor | null {
  if (self.device !== other.device) throw mixedDevices('equal', self, other);
  if (!sameShape(self.shape, other.shape)) return null;
  return untracked(() => self.eq(other).all());
}

/** The one element of a bool tensor at once. */
const isTrue = (op: string, flag: Tensor): boolean => readForSync(op, flag)[0] === 1;

/** Whether both have the same shape and elements. NaN equals nothing. */
export async function equal(self: Tensor, other: Tensor): Promise<boolean> {
  const same = sameElements(self, other);
  return same !== null && (await same.item()) === 1;
}

/** `equal()` at once; CPU only. */
export function equalSync(self: Tensor, other: Tensor): boolean {
  const same = sameElements(self, other);
  return same !== null && isTrue('equal', same);
}

type ClosenessArguments = Trailing<[rtol: number, atol: number, equalNan: boolean], IscloseOptions>;

const close = (self: Tensor, other: Tensor, args: ClosenessArguments): Tensor =>
  untracked(() => self.isclose(other, ...args).all());

/** Whether |self − other| ≤ atol (1e-8) + rtol (1e-5) · |other| everywhere. */
export async function allclose(self: Tensor, other: Tensor, ...args: ClosenessArguments): Promise<boolean> {
  return (await close(self, other, args).item()) === 1;
}

/** `allclose()` at once; CPU only. */
export function allcloseSync(self: Tensor, other: Tensor, ...args: ClosenessArguments): boolean {
  return isTrue('allclose', close(self, other, args));
}

function checkSingle(self: Tensor): Tensor {
  if (self.elementCount !== 1)
    throw new ShapeError(
      `isNonzero(): only a tensor of one element is true or false, this one has shape ${formatShape(self.shape)}`,
    );
  return self;
}

/** Whether the one element is not 0. @throws ShapeError for other shapes. */
export async function isNonzero(self: Tensor): Promise<boolean> {
  return (await checkSingle(self).detach().to('bool').item()) === 1;
}

/** `isNonzero()` at once; CPU only. */
export function isNonzeroSync(self: Tensor): boolean {
  return isTrue('isNonzero', checkSingle(self).detach().to('bool'));
}
