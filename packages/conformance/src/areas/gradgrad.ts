/**
 * @file The `gradgrad` area: second derivatives of the ops, by finite differences of the first ones, at the float64
 * samples of the `ops` goldens (`--golden ../shared/golden/ops --area gradgrad`), as PyTorch's own tests of its ops do.
 */
import { gradgradcheck } from '@flambeau/autograd';
import { AutogradError, isTensor, type Tensor } from '@flambeau/tensor';
import { isDifferentiable, isPlainObject } from '@flambeau/tensor/internal';
import type { Area } from '../area.ts';
import { buildTensor } from '../build.ts';
import { type Entry, findForms, MissingError } from '../calls.ts';
import { pairLeaves } from '../compare.ts';
import { type GoldenTensor, isGoldenTensor, tensorsIn } from '../decode.ts';
import { failed, messageOf, notApplicable, passed, type Verdict } from '../verdict.ts';
import { decoded, type GoldenCase, opsGroups, prepare } from './ops.ts';

/** Elements of inputs and results together; the cost grows with the square. */
const largest = 160;

/** PyTorch has no second derivatives of these either. */
const once = new Set(['nn.functional.ctc_loss']);

/**
 * Ops that read one triangle of a matrix are checked as functions of any matrix A, as PyTorch checks them: by A + Aᴴ where
 * they take a Hermitian one, by A's triangle where they take a factor. Which input that is, and what becomes of it.
 */
function wholeMatrix({ op, variant }: Entry, upper: boolean): { at: number; of(a: Tensor): Tensor } | null {
  if (variant === 'hermitian' || /^(cholesky|symeig|linalg\.(cholesky|cholesky_ex|eigh|eigvalsh))$/.test(op))
    return { at: 0, of: (a) => a.add(a.mH) };
  const at = ['cholesky_inverse', 'cholesky_solve'].indexOf(op);
  return at < 0 ? null : { at, of: (a) => (upper ? a.triu() : a.tril()) };
}

/** Ordinary float64 and complex128 samples with gradients. */
function accepts(golden: GoldenCase): boolean {
  return (
    /^(float64|complex128)\/s\d/.test(golden.id) &&
    golden.cotangents?.some((cotangent) => cotangent !== null) === true &&
    !golden.noncontiguous &&
    !golden.unstable
  );
}

/** The same arguments with other tensors. */
function substituted(value: unknown, tensors: ReadonlyMap<Tensor, Tensor>): unknown {
  if (isTensor(value)) return tensors.get(value) ?? value.clone();
  if (Array.isArray(value)) return value.map((item) => substituted(item, tensors));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substituted(item, tensors)]));
}

/** Why finite differences say nothing about a case. */
function unfitness(entry: Entry, all: readonly GoldenTensor[], compared: readonly GoldenTensor[]): string | null {
  if (once.has(entry.op)) return 'PyTorch has no second derivative';
  if (entry.variant === 'subgradients_at_zero') return 'a norm has no slope at zero';
  if (compared.some(({ dtype }) => dtype !== 'float64' && dtype !== 'complex128' && isDifferentiable(dtype)))
    return 'lower precision than float64';
  const finite = ({ dtype, data }: GoldenTensor): boolean =>
    (dtype !== 'float64' && dtype !== 'complex128') || (data as Float64Array).every(Number.isFinite);
  return all.every(finite) ? null : 'values that are not finite';
}

/** Whether rounding of the first derivatives, over the step of a finite difference, is as large as the tolerance. */
const tooLarge = (golden: GoldenCase): boolean =>
  tensorsIn(golden.grads).some(({ data }) => data.some((value) => Math.abs(Number(value)) > 1e4));

async function runCase(entry: Entry, encoded: GoldenCase, device: string): Promise<Verdict> {
  const run = decoded(entry, encoded, device);
  if (typeof run === 'string') return notApplicable(run);
  const { golden } = run;
  const outputs = tensorsIn(golden.out ?? null);
  const leaves = run.inputs.filter((tensor) => tensor.requiresGrad);
  const unfit = unfitness(entry, [...run.inputs, ...outputs], [...leaves, ...outputs]);
  if (unfit !== null) return notApplicable(unfit);
  const elements = [...leaves, ...outputs].reduce((n, tensor) => n + tensor.data.length, 0);
  if (elements > largest) return notApplicable(`more than ${largest} elements`);
  try {
    const { args, options, tensors } = prepare(run);
    const [form] = findForms(entry, args[0]);
    if (form === undefined) return notApplicable('asks a number for a method');
    // PyTorch knows of inputs that no gradient reaches, such as a Python number that it made a tensor of.
    const inputs = tensors.filter((tensor, i) => tensor.requiresGrad && golden.grads![i] !== null);
    const cotangents = golden.cotangents!;
    const whole = wholeMatrix(entry, options.upper === true || args.includes(true));
    const fn = (...xs: Tensor[]): Tensor[] => {
      const given = new Map(inputs.map((input, i) => [input, whole?.at === i ? whole.of(xs[i]!) : xs[i]!]));
      const result = form.call(
        substituted(args, given) as unknown[],
        substituted(options, given) as Record<string, unknown>,
      );
      const pairs = pairLeaves(result, golden.out).filter(([, want]) => isGoldenTensor(want));
      return pairs.flatMap(([got], i) => {
        if (!isGoldenTensor(cotangents[i]) || !isTensor(got)) return [];
        return [golden.post?.[i] === 'abs' ? got.abs() : got];
      });
    };
    const gradOutputs = cotangents
      .filter(isGoldenTensor)
      .map((cotangent) => buildTensor({ ...cotangent, requiresGrad: true }, { device }));
    // Small steps lose digits where values are large, large ones where functions bend: one of them must agree.
    for (const eps of [1e-6, 1e-5]) {
      if (await gradgradcheck(fn, inputs, { gradOutputs, eps, raiseException: false })) return passed;
    }
    await gradgradcheck(fn, inputs, { gradOutputs, eps: 1e-4 });
    return passed;
  } catch (error) {
    if (error instanceof AutogradError && tooLarge(golden)) return notApplicable('too large for finite differences');
    return failed(error instanceof MissingError ? error.message : messageOf(error));
  }
}

export const gradgradArea: Area = {
  name: 'gradgrad',
  goldens: 'ops',
  groups: (source, selection) => opsGroups(source, selection, runCase, accepts),
};
