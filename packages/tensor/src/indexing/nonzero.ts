/** @file Positions of nonzero elements, for devices whose values can be read at once. */
import { DeviceError } from '../errors.ts';
import { backendFor } from '../state.ts';
import { Tensor } from '../tensor.ts';

/**
 * Row-major positions of nonzero elements as int32 [count, ndim].
 * @throws DeviceError naming the asynchronous form of `op` where values are only read asynchronously.
 */
export function positionsOfNonzero(op: string, self: Tensor): Tensor {
  const backend = backendFor(self.device);
  const find = backend.routines.nonzero;
  if (find === undefined) {
    throw new DeviceError(
      `${op}(): the size of the result depends on values, which device '${self.device}' only reads asynchronously; use \`await x.${op}Async(…)\``,
    );
  }
  const { data, count } = find(self);
  return new Tensor(backend.upload('int32', data), 'int32', [count, self.ndim]);
}
