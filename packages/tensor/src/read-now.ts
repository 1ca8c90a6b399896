/** @file Values that an op must know before it can go on. */
import type { TypedArray } from './dtype.ts';
import { DeviceError } from './errors.ts';
import { backendFor } from './state.ts';
import type { Tensor } from './tensor.ts';

/**
 * The values of `x` at once.
 * @param owner what the asynchronous form is called on: a tensor, or `F`
 * @throws DeviceError naming the asynchronous form of `op` where values are only read so.
 */
export function readNow(op: string, x: Tensor, owner = 'x'): TypedArray {
  const { readSync } = backendFor(x.device);
  if (readSync !== null) return readSync(x);
  throw new DeviceError(
    `${op}(): the result depends on values, which device '${x.device}' only reads asynchronously; use \`await ${owner}.${op}Async(…)\``,
  );
}

/**
 * The values that `op`'s form `…Sync` wants.
 * @throws DeviceError naming `op`, which is asynchronous, where values are only read so.
 */
export function readForSync(op: string, x: Tensor): TypedArray {
  const { readSync } = backendFor(x.device);
  if (readSync !== null) return readSync(x);
  throw new DeviceError(
    `${op}Sync(): device '${x.device}' only reads asynchronously; use \`await x.${op}(${withArguments.has(op) ? '…' : ''})\``,
  );
}

const withArguments: ReadonlySet<string> = new Set(['equal', 'allclose']);

/** The values of `x` on every device. */
export const readLater = (x: Tensor): Promise<TypedArray> => backendFor(x.device).read(x);
