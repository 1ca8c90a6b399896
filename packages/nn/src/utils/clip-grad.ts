/** @file Clipping gradients, in place. */
import { DeviceError, FlambeauError, isTensor, stack, type Tensor, tensor } from '@flambeau/tensor';
import { signature, type Trailing, untracked } from '@flambeau/tensor/internal';

type Parameters = Tensor | Iterable<Tensor>;

const gradientsOf = (parameters: Parameters): Tensor[] =>
  [...(isTensor(parameters) ? [parameters] : parameters)].flatMap(({ grad }) => (grad === null ? [] : [grad.detach()]));

interface ClipSettings {
  maxNorm: number;
  normType: number;
  errorIfNonfinite: boolean;
  /** Accepted for PyTorch's sake: all norms are always combined on the device, and nothing is read. */
  foreach: boolean | null;
}

const parse = signature<ClipSettings>('clipGradNorm_', ['maxNorm', 'normType', 'errorIfNonfinite', 'foreach'], {
  normType: 2,
  errorIfNonfinite: false,
  foreach: null,
});

/**
 * Scales all gradients so that their norm, taken as one vector, is at most `maxNorm`.
 *
 * ```ts
 * loss.backward();
 * clipGradNorm_(net.parameters(), 1);
 * optimizer.step();
 * ```
 * @returns the norm before, as a 0-d tensor.
 * @throws FlambeauError with `errorIfNonfinite` when the norm is NaN or infinite, DeviceError with it on devices that are
 *   only read asynchronously; gradients are unchanged then.
 */
export function clipGradNorm_(
  parameters: Parameters,
  ...args:
    | [
        maxNorm: number,
        ...Trailing<[normType: number, errorIfNonfinite: boolean, foreach: boolean | null], Partial<ClipSettings>>,
      ]
    | [options: Partial<ClipSettings> & { maxNorm: number }]
): Tensor {
  const { maxNorm, normType, errorIfNonfinite } = parse(args);
  return untracked(() => {
    const grads = gradientsOf(parameters);
    if (grads.length === 0) return tensor(0);
    const norms = stack(grads.map((grad) => grad.norm(normType)));
    const total = norms.norm(normType);
    if (errorIfNonfinite) checkFinite(total, normType);
    // A factor on the device, never read: at most 1.
    const factor = total.add(1e-6).reciprocal().mul(maxNorm).clamp({ max: 1 });
    for (const grad of grads) grad.mul_(factor);
    return total;
  });
}

function checkFinite(total: Tensor, normType: number): void {
  if (total.device !== 'cpu') {
    throw new DeviceError(
      `clipGradNorm_(): errorIfNonfinite needs the norm at once, and device '${total.device}' is only read asynchronously; leave it off and look at \`await total.item()\``,
    );
  }
  if (Number.isFinite(total.itemSync())) return;
  throw new FlambeauError(
    `clipGradNorm_(): the total norm of order ${normType} of the gradients is not finite, so they cannot be clipped; pass { errorIfNonfinite: false } to scale them by it anyway`,
  );
}

/** Clamps every element of the gradients to [−clipValue, clipValue]. */
export function clipGradValue_(
  parameters: Parameters,
  ...args: [clipValue: number] | [options: { clipValue: number }]
): void {
  const { clipValue } = signature<{ clipValue: number }>('clipGradValue_', ['clipValue'], {})(args);
  untracked(() => {
    for (const grad of gradientsOf(parameters)) grad.clamp_(-clipValue, clipValue);
  });
}
