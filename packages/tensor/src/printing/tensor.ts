/**
 * @file Tensors as text, to the character as PyTorch 1.13 prints them.
 */
import type { DType } from '../dtype.ts';
import type { ElementFormat } from './elements.ts';
import { exactFormat, floatFormat } from './elements.ts';
import type { PrintOptions } from './options.ts';

export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** What printing needs to know of a tensor. */
export interface Printable {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The element at a row-major index: a boolean for bool, a complex number for complex dtypes, else a number. */
  read(index: number): number | bigint | boolean | Complex;
  /** Named in the text unless it is 'cpu'. */
  readonly device?: string | undefined;
  readonly requiresGrad?: boolean | undefined;
  /** Name of the function that made the tensor, e.g. 'AddBackward0'. */
  readonly gradFnName?: string | null | undefined;
  /** Whether the tensor is a Parameter, which says so in a line of its own. */
  readonly isParameter?: boolean | undefined;
}

const prefix = 'tensor(';

/** The text of a tensor. Floating tensors of `defaultDType` do not name their dtype. */
export function formatTensor(tensor: Printable, options: PrintOptions, defaultDType: DType = 'float32'): string {
  const empty = tensor.shape.includes(0);
  const contents = empty ? '[]' : formatContents(tensor, options);
  return formatWith(contents, tensor, options, defaultDType, empty);
}

/** The text of a tensor whose elements cannot be read at once: `tensor(<4x3>, device='webgpu:0')`. */
export function formatUnread(
  tensor: Omit<Printable, 'read'>,
  options: PrintOptions,
  defaultDType: DType = 'float32',
): string {
  const size = tensor.shape.length === 0 ? 'scalar' : tensor.shape.join('x');
  return formatWith(`<${size}>`, tensor, options, defaultDType, false);
}

function formatWith(
  contents: string,
  tensor: Omit<Printable, 'read'>,
  options: PrintOptions,
  defaultDType: DType,
  empty: boolean,
): string {
  const suffixes = suffixesOf(tensor, defaultDType, empty);
  const text = appendSuffixes(prefix + contents, suffixes, options.linewidth);
  return tensor.isParameter ? `Parameter containing:\n${text}` : text;
}

function suffixesOf(tensor: Omit<Printable, 'read'>, defaultDType: DType, empty: boolean): string[] {
  const { dtype, shape, device = 'cpu' } = tensor;
  const suffixes: string[] = [];
  if (device !== 'cpu') suffixes.push(`device='${device}'`);
  if (empty && shape.length !== 1) suffixes.push(`size=(${shape.join(', ')})`);
  // The elements of an empty tensor do not tell its dtype.
  const defaultComplex = defaultDType === 'float64' ? 'complex128' : 'complex64';
  const evident = empty ? [defaultDType] : [defaultDType, defaultComplex, 'int64', 'bool'];
  if (!evident.includes(dtype)) suffixes.push(`dtype=torch.${dtype}`);
  if (tensor.gradFnName) suffixes.push(`grad_fn=<${tensor.gradFnName}>`);
  else if (tensor.requiresGrad) suffixes.push('requires_grad=True');
  return suffixes;
}

function appendSuffixes(text: string, suffixes: readonly string[], linewidth: number): string {
  let line = text.length - text.lastIndexOf('\n') + 1;
  let result = text;
  for (const suffix of suffixes) {
    if (line + suffix.length + 2 > linewidth) {
      result += `,\n${' '.repeat(prefix.length)}${suffix}`;
      line = prefix.length + suffix.length;
    } else {
      result += `, ${suffix}`;
      line += suffix.length + 2;
    }
  }
  return `${result})`;
}

/** Row-major indices of the elements to print, nested as the dimensions are; `null` stands for those left out. */
type Layout = number | null | readonly Layout[];

type Element = ReturnType<Printable['read']>;

function formatContents(tensor: Printable, options: PrintOptions): string {
  const numel = tensor.shape.reduce((a, b) => a * b, 1);
  const layout = layoutOf(tensor.shape, numel > options.threshold ? options.edgeitems : Infinity);
  const indices = indicesIn(layout);
  const values = indices.map((index) => tensor.read(index));
  const format = formatOf(tensor.dtype, values, options);
  const text = new Map(indices.map((index, i) => [index, format.text(values[i]!)]));
  return formatLayout(layout, tensor.shape.length, prefix.length, (index) => text.get(index)!, format.width, options);
}

function layoutOf(shape: readonly number[], edgeitems: number, dim = 0, index = 0): Layout {
  if (dim === shape.length) return index;
  const size = shape[dim]!;
  const range = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => layoutOf(shape, edgeitems, dim + 1, index * size + from + i));
  if (size <= 2 * edgeitems) return range(0, size);
  return [...range(0, edgeitems), null, ...range(size - edgeitems, size)];
}

function indicesIn(layout: Layout): number[] {
  if (layout === null) return [];
  return typeof layout === 'number' ? [layout] : layout.flatMap(indicesIn);
}

/** The layout that elements of a dtype have in common. */
function formatOf(dtype: DType, values: readonly Element[], options: PrintOptions): ElementFormat<Element> {
  if (dtype.startsWith('complex')) return complexFormat(values as readonly Complex[], options);
  if (dtype.includes('float')) return floatFormat(values as readonly number[], options);
  return exactFormat(values as readonly (number | bigint | boolean)[]);
}

function complexFormat(values: readonly Complex[], options: PrintOptions): ElementFormat<Complex> {
  const real = floatFormat(
    values.map(({ re }) => re),
    options,
  );
  const imaginary = floatFormat(
    values.map(({ im }) => im),
    options,
  );
  return {
    width: real.width + imaginary.width + 1,
    text({ re, im }) {
      const imaginaryText = imaginary.text(im).trimStart();
      return `${real.text(re)}${imaginaryText.startsWith('-') ? '' : '+'}${imaginaryText}j`;
    },
  };
}

function formatLayout(
  layout: Layout,
  dims: number,
  indent: number,
  elementText: (index: number) => string,
  width: number,
  options: PrintOptions,
): string {
  if (typeof layout === 'number') return elementText(layout);
  if (layout === null) return '...';
  const format = (part: Layout) => formatLayout(part, dims - 1, indent + 1, elementText, width, options);
  const newline = `\n${' '.repeat(indent + 1)}`;
  if (dims > 1) return `[${layout.map(format).join(`,${'\n'.repeat(dims - 2)}${newline}`)}]`;

  const texts = layout.map((part) => (part === null && layout.length > 1 ? ' ...' : format(part)));
  const perLine = Math.max(1, Math.floor((options.linewidth - indent) / (width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < texts.length; i += perLine) lines.push(texts.slice(i, i + perLine).join(', '));
  return `[${lines.join(`,${newline}`)}]`;
}
