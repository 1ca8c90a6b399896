/** @file Gradient clipping and parameters as vectors (nn.utils). */
import * as flambeau from 'flambeau';
import { buildTensor } from '../build.ts';
import { compareTensor } from '../compare.ts';
import type { GoldenTensor } from '../decode.ts';
import { camelCase, camelCaseKeys } from '../names.ts';

interface ClipCase {
  readonly fn: 'clip_grad_norm_' | 'clip_grad_value_' | 'parameters_to_vector';
  readonly grads?: readonly (GoldenTensor | null)[];
  readonly params?: readonly GoldenTensor[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly total_norm?: GoldenTensor;
  readonly grads_after?: readonly (GoldenTensor | null)[];
  readonly raises?: string;
  readonly out?: GoldenTensor;
}

const tolerance = { atol: 1e-6, rtol: 1e-5 };

export async function checkClipping(golden: ClipCase, device: string): Promise<string | null> {
  const fn = flambeau.nn.utils[camelCase(golden.fn) as 'clipGradNorm_'] as (...args: unknown[]) => unknown;
  if (golden.params !== undefined) {
    return compareTensor(fn(golden.params.map((param) => buildTensor(param, { device }))), golden.out!, { tolerance });
  }
  const parameters = golden.grads!.map((grad) => {
    if (grad === null) return flambeau.zeros(2, { device }).requiresGrad_();
    const parameter = flambeau.zeros([...grad.shape], { dtype: grad.dtype, device }).requiresGrad_();
    parameter.grad = buildTensor(grad, { device });
    return parameter;
  });
  if (golden.raises !== undefined) {
    try {
      fn(parameters, camelCaseKeys(golden.kwargs!));
    } catch {
      return null;
    }
    return `expected an error (${golden.raises})`;
  }
  const total = fn(parameters, camelCaseKeys(golden.kwargs!));
  const difference =
    golden.total_norm === undefined ? null : await compareTensor(total, golden.total_norm, { tolerance });
  if (difference !== null) return `norm: ${difference}`;
  for (const [i, want] of golden.grads_after!.entries()) {
    const wrong = want === null ? null : await compareTensor(parameters[i]!.grad, want, { tolerance });
    if (wrong !== null) return `gradient ${i}: ${wrong}`;
  }
  return null;
}
