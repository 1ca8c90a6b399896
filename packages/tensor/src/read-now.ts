/** @file Values that an op must know before it can go on. */
import type { TypedArray } from './dtype.ts';
import { DeviceError } from './errors.ts';
import { backendFor } from './state.ts';
import type { Tensor } from './tensor.ts';

/** The values of `x` at once. @throws DeviceError naming the asynchronous form of `op` where they are only read so. */
export function readNow(op: string, x: Tensor): TypedArray {
  const { readSync } = backendFor(x.device);
  if (readSync !== null) return readSync(x);
  throw new DeviceError(
    `${op}(): the result depends on values, which device '${x.device}' only reads asynchronously; use \`await x.${op}Async(…)\``,
  );
}

/** The values of `x` on every device. */
export const readLater = (x: Tensor): Promise<TypedArray> => backendFor(x.device).read(x);
