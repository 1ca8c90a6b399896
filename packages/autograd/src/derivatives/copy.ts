/** @file Derivatives of copies and conversions. */
import { type ConvertOps, type CopyOps, DeviceError, type Tensor } from '@flambeau/tensor';
import { backendFor } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const copyRules = {
  clone: { backward: (_, grad) => [grad] },
  copy: {
    node: 'CopyBackwards',
    shown: () => [0, 1],
    backward: ({ inputs: [, source] }, grad) => [null, grad.sumToSize([...source!.shape]).to(source!.dtype)],
  },
} satisfies Rules<keyof CopyOps>;

/** @throws DeviceError where the gradient would have to be read at once. */
function moveBack(grad: Tensor, device: string): Tensor {
  if (device === grad.device || backendFor(grad.device).readSync !== null) return grad.to(device);
  throw new DeviceError(
    `backward(): the gradient of a tensor on '${device}' comes from device '${grad.device}', which is only read asynchronously; make the leaf there: x.to('${grad.device}').detach().requiresGrad_(), net.to('${grad.device}')`,
  );
}

export const convertRules = {
  toCopy: { node: 'ToCopyBackward0', backward: ({ inputs }, grad) => [grad.to(inputs[0]!.dtype)] },
  toDevice: { node: 'ToCopyBackward0', backward: ({ inputs }, grad) => [moveBack(grad, inputs[0]!.device)] },
} satisfies Rules<keyof ConvertOps>;
