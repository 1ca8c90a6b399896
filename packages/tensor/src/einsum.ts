/** @file Einstein summation, tensordot and products of chains of matrices. */
import { contract } from './contraction.ts';
import { FlambeauError, ShapeError } from './errors.ts';
import { formatShape, wrapDim } from './shape.ts';
import type { Tensor } from './tensor.ts';

/**
 * Sum of products over `dims`: a number n for the last n dimensions of `a` with the first n of `b`, or two lists.
 *
 * ```ts
 * tensordot(zeros(2, 3, 4), zeros(3, 4, 5)).shape; // [2, 5]
 * ```
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  options: { dims?: number | readonly [readonly number[], readonly number[]] | undefined } = {},
): Tensor {
  const { dims = 2 } = options;
  const range = (from: number, n: number): number[] => Array.from({ length: n }, (_, i) => from + i);
  const [left, right] = typeof dims === 'number' ? [range(a.ndim - dims, dims), range(0, dims)] : dims;
  const dimsA = left.map((d) => wrapDim('tensordot', d, a.ndim));
  const dimsB = right.map((d) => wrapDim('tensordot', d, b.ndim));
  if (
    dimsA.length !== dimsB.length ||
    dimsA.some((d, i) => a.shape[d] !== b.shape[dimsB[i]!] && a.shape[d] !== 1 && b.shape[dimsB[i]!] !== 1)
  ) {
    throw new ShapeError(
      `tensordot(): dimensions [${left}] of ${formatShape(a.shape)} do not fit [${right}] of ${formatShape(b.shape)}`,
    );
  }
  // A dimension of size 1 is summed away on the other side.
  const [sumA, sumB] = [
    dimsA.filter((d, i) => a.shape[d] !== 1 && b.shape[dimsB[i]!] === 1),
    dimsB.filter((d, i) => b.shape[d] !== 1 && a.shape[dimsA[i]!] === 1),
  ];
  const x = sumA.length > 0 ? a.sum(sumA, true) : a;
  const y = sumB.length > 0 ? b.sum(sumB, true) : b;
  return contract(x, y, dimsA, dimsB);
}

interface Equation {
  /** Labels of each operand, one for each dimension; '.0', '.1', … for those of an ellipsis, counted from the right. */
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

const fail = (equation: string, why: string): never => {
  throw new FlambeauError(`einsum('${equation}'): ${why}`);
};

function labelsOf(equation: string, text: string, ndim: number | null, ellipsis: number): string[] {
  const labels: string[] = [];
  const letters = text.replaceAll(' ', '');
  const plain = letters.replace('...', '').length;
  for (let i = 0; i < letters.length; i++) {
    if (letters.startsWith('...', i)) {
      const width = ndim === null ? ellipsis : ndim - plain;
      if (width < 0) fail(equation, `'${text}' names more dimensions than the operand has (${ndim})`);
      for (let w = width - 1; w >= 0; w--) labels.push(`.${w}`);
      i += 2;
    } else if (/[a-zA-Z]/.test(letters[i]!)) labels.push(letters[i]!);
    else fail(equation, `unexpected '${letters[i]}'`);
  }
  if (ndim !== null && labels.length !== ndim)
    fail(equation, `'${text}' names ${labels.length} dimensions, the operand has ${ndim}`);
  return labels;
}

function parse(equation: string, operands: readonly Tensor[]): Equation {
  const [left, right, more] = equation.split('->');
  if (more !== undefined) fail(equation, "more than one '->'");
  const terms = left!.split(',');
  if (terms.length !== operands.length) fail(equation, `it has ${terms.length} terms for ${operands.length} operands`);
  const labels = terms.map((term, i) => labelsOf(equation, term, operands[i]!.ndim, 0));
  const all = labels.flat();
  const ellipsis = new Set(all.filter((l) => l.startsWith('.'))).size;
  if (right !== undefined) {
    const output = labelsOf(equation, right, null, ellipsis);
    if (new Set(output).size !== output.length) fail(equation, 'a label appears twice in the output');
    for (const label of output) if (!all.includes(label)) fail(equation, `the output's '${label}' is in no operand`);
    return { operands: labels, output };
  }
  // Without an output: the ellipsis, then every label that appears once, in alphabetical order.
  const once = [...new Set(all)].filter((l) => !l.startsWith('.') && all.indexOf(l) === all.lastIndexOf(l)).sort();
  const dots = [...new Set(all)]
    .filter((l) => l.startsWith('.'))
    .sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)));
  return { operands: labels, output: [...dots, ...once] };
}

/** Takes diagonals of labels that appear twice in one operand. */
function withoutRepeats(x: Tensor, labels: readonly string[]): [Tensor, string[]] {
  let [out, rest] = [x, [...labels]];
  for (let d = 0; d < rest.length; d++) {
    const again = rest.indexOf(rest[d]!, d + 1);
    if (again < 0) continue;
    // The diagonal becomes the last dimension.
    out = out.diagonal(0, d, again);
    rest = [...rest.filter((_, i) => i !== d && i !== again), rest[d]!];
    d = -1;
  }
  return [out, rest];
}

/** The dimensions of `x` in the order of `labels`, size 1 where it has none. */
function aligned(x: Tensor, own: readonly string[], labels: readonly string[]): Tensor {
  const present = labels.filter((l) => own.includes(l));
  const ordered = x.permute(present.map((l) => own.indexOf(l)));
  let out = ordered;
  labels.forEach((label, d) => {
    if (!own.includes(label)) out = out.unsqueeze(d);
  });
  return out;
}

/** One pair contracted: labels that neither the output nor a later operand needs are summed. */
function pair(
  a: Tensor,
  la: readonly string[],
  b: Tensor,
  lb: readonly string[],
  needed: ReadonlySet<string>,
): [Tensor, string[]] {
  const shared = la.filter((l) => lb.includes(l));
  const sum = shared.filter((l) => !needed.has(l));
  const batch = shared.filter((l) => needed.has(l));
  const onlyA = la.filter((l) => !shared.includes(l));
  const onlyB = lb.filter((l) => !shared.includes(l));
  const labels = [...batch, ...onlyA, ...onlyB];
  const sizes = (x: Tensor, own: readonly string[], list: readonly string[]): number[] =>
    list.map((l) => x.shape[own.indexOf(l)]!);
  // Sizes of 1 broadcast.
  const size = (l: string): number =>
    Math.max(la.includes(l) ? a.shape[la.indexOf(l)]! : 1, lb.includes(l) ? b.shape[lb.indexOf(l)]! : 1);
  const product = (list: readonly number[]): number => list.reduce((n, s) => n * s, 1);
  const full = (x: Tensor, own: readonly string[]): Tensor =>
    x.expand(
      own.map((l) => (x.shape[own.indexOf(l)] === 1 && shared.includes(l) ? size(l) : x.shape[own.indexOf(l)]!)),
    );
  const [fa, fb] = [full(a, la), full(b, lb)];
  const left = aligned(fa, la, [...batch, ...onlyA, ...sum]).reshape([
    product(batch.map(size)),
    product(sizes(fa, la, onlyA)),
    product(sum.map(size)),
  ]);
  const right = aligned(fb, lb, [...batch, ...sum, ...onlyB]).reshape([
    product(batch.map(size)),
    product(sum.map(size)),
    product(sizes(fb, lb, onlyB)),
  ]);
  const shape = [...batch.map(size), ...sizes(fa, la, onlyA), ...sizes(fb, lb, onlyB)];
  return [left.bmm(right).reshape(shape), labels];
}

/** Sums labels that only this operand has and nobody needs. */
function summed(x: Tensor, labels: readonly string[], needed: ReadonlySet<string>): [Tensor, string[]] {
  const dims = labels.flatMap((l, d) => (needed.has(l) ? [] : [d]));
  return dims.length === 0 ? [x, [...labels]] : [x.sum(dims), labels.filter((l) => needed.has(l))];
}

/**
 * Einstein summation: products of operands summed over the labels that the output does not name.
 *
 * ```ts
 * einsum('bij,bjk->bik', a, b); // batched matrix product
 * einsum('ii', a); // trace
 * ```
 * @throws FlambeauError for an equation that does not fit the operands.
 */
export function einsum(equation: string, ...args: [operands: readonly Tensor[]] | Tensor[]): Tensor {
  const operands = (Array.isArray(args[0]) ? args[0] : args) as readonly Tensor[];
  if (operands.length === 0) fail(equation, 'it needs at least one operand');
  const { operands: labels, output } = parse(equation, operands);
  const terms = operands.map((x, i) => withoutRepeats(x, labels[i]!));
  const sizes = new Map<string, number>();
  for (const [x, own] of terms) {
    own.forEach((l, d) => {
      const known = sizes.get(l) ?? 1;
      if (known !== 1 && x.shape[d] !== 1 && known !== x.shape[d])
        fail(equation, `'${l}' has sizes ${known} and ${x.shape[d]}`);
      sizes.set(l, Math.max(known, x.shape[d] === 0 ? 0 : x.shape[d]!));
    });
  }
  let [result, own] = terms[0]!;
  for (let i = 0; i < terms.length; i++) {
    const later = new Set([...output, ...terms.slice(i + 1).flatMap(([, l]) => l)]);
    if (i === 0) [result, own] = summed(result, own, later);
    else {
      const [next, nextLabels] = summed(...terms[i]!, new Set([...later, ...own]));
      [result, own] = pair(result, own, next, nextLabels, later);
      [result, own] = summed(result, own, later);
    }
  }
  return result.permute(output.map((l) => own.indexOf(l)));
}
