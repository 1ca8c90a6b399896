/**
 * @file Gradients against finite differences. Complex numbers count as two real ones, their parts: by PyTorch's
 * convention the gradient of a real function has its derivatives by both as real and imaginary part.
 */
import { AutogradError, enableGrad, noGrad, type Tensor, viewAsReal, zeros } from '@flambeau/tensor';
import { isDifferentiable } from '@flambeau/tensor/internal';
import { grad } from './grad.ts';

export interface GradcheckOptions {
  /** Step of the finite differences. Default 1e-6, for float64 and complex128 inputs. */
  eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  atol?: number;
  /** Relative tolerance. Default 1e-3. */
  rtol?: number;
  /** Throw where a gradient is wrong (the default) rather than return false. */
  raiseException?: boolean;
}

type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

const outputsOf = (fn: Differentiable, inputs: readonly Tensor[]): Tensor[] => {
  const result = fn(...inputs);
  const list = (Array.isArray(result) ? result : [result]) as Tensor[];
  return list.filter((output) => isDifferentiable(output.dtype));
};

/** All elements in one row, of complex numbers both parts; a view. */
const partsOf = (x: Tensor): Tensor => (x.isComplex() ? viewAsReal(x) : x).view(-1);

/** d output / d input by central differences, one row for each real element of the input. */
async function numericJacobian(
  fn: Differentiable,
  inputs: readonly Tensor[],
  place: number,
  output: number,
  eps: number,
): Promise<number[][]> {
  const rows: number[][] = [];
  const values = Float64Array.from((await inputs[place]!.toTypedArray()) as Float64Array);
  const at = async (element: number, shift: number): Promise<ArrayLike<number>> => {
    const moved = noGrad(() => {
      const copy = inputs[place]!.detach().contiguous().clone();
      partsOf(copy)
        .narrow(0, element, 1)
        .fill_(values[element]! + shift);
      return copy;
    });
    const result = noGrad(() =>
      outputsOf(
        fn,
        inputs.map((x, i) => (i === place ? moved : x)),
      ),
    );
    return (await result[output]!.toTypedArray()) as Float64Array;
  };
  for (let element = 0; element < values.length; element++) {
    const [above, below] = [await at(element, eps), await at(element, -eps)];
    rows.push(Array.from(above, (value, j) => (value - below[j]!) / (2 * eps)));
  }
  return rows;
}

/** The same by backward passes, one for each element of the output. */
async function analyticJacobian(
  fn: Differentiable,
  inputs: readonly Tensor[],
  place: number,
  output: number,
): Promise<number[][]> {
  const y = outputsOf(fn, inputs)[output]!;
  const count = (x: Tensor): number => x.elementCount * (x.isComplex() ? 2 : 1);
  const rows = Array.from({ length: count(inputs[place]!) }, () => new Array<number>(count(y)).fill(0));
  if (!y.requiresGrad) return rows;
  for (let j = 0; j < count(y); j++) {
    const start = zeros([...y.shape], { dtype: y.dtype, device: y.device });
    partsOf(start).narrow(0, j, 1).fill_(1);
    const [g] = grad(y, inputs[place]!, { gradOutputs: start, retainGraph: true, allowUnused: true });
    const column = g === null || g === undefined ? null : ((await g.detach().toTypedArray()) as Float64Array);
    if (column !== null) for (let i = 0; i < rows.length; i++) rows[i]![j] = column[i]!;
  }
  return rows;
}

/**
 * Whether the gradients of `fn` by all inputs that require them agree with finite differences. Use float64 or complex128 inputs.
 *
 * ```ts
 * const x = randn(3, { dtype: 'float64', requiresGrad: true });
 * await gradcheck((x) => x.sin(), [x]); // true
 * ```
 * @throws AutogradError naming the first element that differs, unless `raiseException` is false.
 */
export async function gradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<boolean> {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options;
  const outputs = outputsOf(fn, inputs).length;
  for (let place = 0; place < inputs.length; place++) {
    if (!inputs[place]!.requiresGrad) continue;
    for (let output = 0; output < outputs; output++) {
      const numeric = await numericJacobian(fn, inputs, place, output, eps);
      const analytic = await analyticJacobian(fn, inputs, place, output);
      const wrong = firstDifference(numeric, analytic, atol, rtol);
      if (wrong === null) continue;
      if (!raiseException) return false;
      throw new AutogradError(
        `gradcheck: output ${output} by input ${place}, element ${wrong.column} by element ${wrong.row}: finite differences give ${wrong.expected}, backward gives ${wrong.got}`,
      );
    }
  }
  return true;
}

function firstDifference(
  numeric: number[][],
  analytic: number[][],
  atol: number,
  rtol: number,
): { row: number; column: number; expected: number; got: number } | null {
  for (let row = 0; row < numeric.length; row++) {
    for (let column = 0; column < numeric[row]!.length; column++) {
      const [expected, got] = [numeric[row]![column]!, analytic[row]![column]!];
      if (!(Math.abs(expected - got) <= atol + rtol * Math.abs(expected))) return { row, column, expected, got };
    }
  }
  return null;
}

/** `gradcheck` of the gradients themselves: second derivatives. `gradOutputs` are weights of the outputs; ones unless given. */
export async function gradgradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  options: GradcheckOptions & { gradOutputs?: readonly Tensor[] } = {},
): Promise<boolean> {
  const { gradOutputs, ...rest } = options;
  const wanted = inputs.flatMap((x, i) => (x.requiresGrad ? [i] : []));
  const weights =
    gradOutputs ??
    noGrad(() =>
      outputsOf(fn, inputs).map((y, i) =>
        y
          .detach()
          .fill(y.isComplex() ? { re: 1 + 0.25 * i, im: 0.5 } : 1 + 0.25 * i)
          .requiresGrad_(),
      ),
    );
  const first = (...args: Tensor[]): Tensor[] =>
    enableGrad(() => {
      const xs = args
        .slice(0, inputs.length)
        .map((x, i) => (wanted.includes(i) && !x.requiresGrad ? x.detach().requiresGrad_() : x));
      const outputs = outputsOf(fn, xs);
      const used = outputs.flatMap((y, i) => (y.requiresGrad ? [i] : []));
      const gradients = grad(
        used.map((i) => outputs[i]!),
        wanted.map((i) => xs[i]!),
        {
          gradOutputs: used.map((i) => args[inputs.length + i]!),
          createGraph: true,
          allowUnused: true,
        },
      );
      return gradients.map(
        (g, i) => g ?? zeros(xs[wanted[i]!]!.shape, { dtype: xs[wanted[i]!]!.dtype, device: xs[wanted[i]!]!.device }),
      );
    });
  return gradcheck(first, [...inputs, ...weights], rest);
}
