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

const partCount = (x: Tensor): number => x.elementCount * (x.isComplex() ? 2 : 1);

/** Rows by real element of one input, columns by real element of one output. */
type Matrix = readonly (readonly number[])[];

const valuesOf = async (x: Tensor): Promise<Float64Array> => (await x.detach().toTypedArray()) as Float64Array;

/** d output / d input by central differences, a matrix for each output. */
async function numericJacobians(
  fn: Differentiable,
  inputs: readonly Tensor[],
  place: number,
  eps: number,
): Promise<Matrix[]> {
  const values = Float64Array.from(await valuesOf(inputs[place]!));
  const at = (element: number, shift: number): Promise<Float64Array[]> => {
    const outputs = noGrad(() => {
      const moved = inputs[place]!.detach().contiguous().clone();
      partsOf(moved)
        .narrow(0, element, 1)
        .fill_(values[element]! + shift);
      return outputsOf(
        fn,
        inputs.map((x, i) => (i === place ? moved : x)),
      );
    });
    return Promise.all(outputs.map(valuesOf));
  };
  const jacobians: number[][][] = [];
  for (let element = 0; element < values.length; element++) {
    const [above, below] = [await at(element, eps), await at(element, -eps)];
    above.forEach((list, output) => {
      jacobians[output] ??= [];
      jacobians[output].push(Array.from(list, (value, j) => (value - below[output]![j]!) / (2 * eps)));
    });
  }
  return jacobians;
}

/** The same by backward passes, one for each element of the output: a matrix for each of `wanted`. */
async function analyticJacobians(y: Tensor, wanted: readonly Tensor[]): Promise<Matrix[]> {
  const jacobians = wanted.map((x) =>
    Array.from({ length: partCount(x) }, () => new Array<number>(partCount(y)).fill(0)),
  );
  if (!y.requiresGrad) return jacobians;
  for (let j = 0; j < partCount(y); j++) {
    const start = zeros([...y.shape], { dtype: y.dtype, device: y.device });
    partsOf(start).narrow(0, j, 1).fill_(1);
    const gradients = grad(y, wanted, { gradOutputs: start, retainGraph: true, allowUnused: true });
    for (const [i, gradient] of gradients.entries()) {
      const column = gradient === null ? [] : await valuesOf(gradient);
      for (let row = 0; row < column.length; row++) jacobians[i]![row]![j] = column[row]!;
    }
  }
  return jacobians;
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
  const places = inputs.flatMap((x, i) => (x.requiresGrad ? [i] : []));
  const wanted = places.map((place) => inputs[place]!);
  const numeric: Matrix[][] = [];
  for (const place of places) numeric.push(await numericJacobians(fn, inputs, place, eps));
  for (const [output, y] of outputsOf(fn, inputs).entries()) {
    const analytic = await analyticJacobians(y, wanted);
    for (const [i, place] of places.entries()) {
      const wrong = firstDifference(numeric[i]![output] ?? [], analytic[i]!, atol, rtol);
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
  numeric: Matrix,
  analytic: Matrix,
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
