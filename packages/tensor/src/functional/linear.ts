/** @file The affine map of a layer. */
import { allocateLike } from '../allocate.ts';
import { autocastOperands } from '../autocast.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { checkTensor } from '../ops/make.ts';
import { mixedDevices } from '../pointwise.ts';
import { record } from '../record.ts';
import { formatShape, sameShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';

/**
 * x · wᵀ + b.
 * @param input [..., inFeatures]
 * @param weight [outFeatures, inFeatures], or [inFeatures] for a single output
 * @param bias [outFeatures]
 * @returns [..., outFeatures]
 * @throws ShapeError when the sizes of input, weight and bias do not fit.
 */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  if (state.autocasting) [input, weight, bias] = autocastOperands('linear', [input, weight, bias] as const);
  return temporaries(() => {
    checkTensor('linear', 'input', input);
    checkTensor('linear', 'weight', weight);
    if (weight.shape.length === 1) return withBias(input.matmul(weight), bias);
    const features = input.shape.at(-1);
    if (weight.shape.length !== 2 || features !== weight.shape[1] || input.shape.length === 0) {
      throw new ShapeError(
        `linear(): input ${formatShape(input.shape)} does not fit weight ${formatShape(weight.shape)}: expected [..., ${weight.shape[1] ?? '?'}] and [out, in]`,
      );
    }
    if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== weight.shape[0])) {
      throw new ShapeError(
        `linear(): bias ${formatShape(bias.shape)} does not fit weight ${formatShape(weight.shape)}: expected [${weight.shape[0]}]`,
      );
    }
    if (input.shape.length === 2) return rows(input, weight, bias);
    const count = input.shape.slice(0, -1).reduce((n, size) => n * size, 1);
    return rows(input.reshape([count, weight.shape[1]!]), weight, bias).view([
      ...input.shape.slice(0, -1),
      weight.shape[0]!,
    ]);
  });
}

const withBias = (product: Tensor, bias: Tensor | null): Tensor => (bias === null ? product : product.add(bias));

function rows(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  for (const operand of bias === null ? [weight] : [weight, bias]) {
    if (operand.device !== x.device) throw mixedDevices('linear', x, operand);
    if (operand.dtype !== x.dtype)
      throw new DTypeError(
        `linear(): input is ${x.dtype} but weight or bias ${operand.dtype}; convert one with .to(dtype)`,
      );
  }
  const [m, n] = [x.shape[0]!, weight.shape[0]!];
  const backend = backendFor(x.device);
  const out = allocateLike(x, [m, n]);
  const transposed = new Tensor(
    weight.storage,
    weight.dtype,
    [weight.shape[1]!, n],
    [weight.strides[1]!, weight.strides[0]!],
    weight.offset,
  );
  backend.matmul(x, transposed, out, bias === null ? undefined : { bias });
  return record('linear', [x, weight, bias], out, { bias: bias !== null });
}

/**
 * x1ᵀ · w · x2 + b for each output.
 * @param input1 [..., in1]
 * @param input2 [..., in2], the same leading dimensions
 * @param weight [out, in1, in2]
 * @returns [..., out]
 * @throws ShapeError when sizes do not fit.
 */
export function bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return temporaries(() => {
    const [out, in1, in2] = weight.shape;
    const leading = input1.shape.slice(0, -1);
    if (
      weight.shape.length !== 3 ||
      input1.shape.at(-1) !== in1 ||
      input2.shape.at(-1) !== in2 ||
      !sameShape(leading, input2.shape.slice(0, -1))
    ) {
      throw new ShapeError(
        `bilinear(): inputs ${formatShape(input1.shape)} and ${formatShape(input2.shape)} do not fit weight ${formatShape(weight.shape)}: expected [..., in1], [..., in2] and [out, in1, in2]`,
      );
    }
    const left = input1.reshape([-1, in1!]).mm(weight.permute(1, 0, 2).reshape([in1!, out! * in2!]));
    const product = left
      .view([-1, out!, in2!])
      .mul(input2.reshape([-1, 1, in2!]))
      .sum(-1);
    return withBias(product, bias).view([...leading, out!]);
  });
}
