/** @file What the functions of `functional` have in common: their arguments, and gradients with zeros where there are none. */
import { AutogradError, isTensor, ShapeError, type Tensor, zerosLike } from '@flambeau/tensor';
import { formatShape, sameShape, signature, type Trailing } from '@flambeau/tensor/internal';
import { grad } from '../grad.ts';

export type Tensors = Tensor | readonly [] | readonly Tensor[];

/** Tensors in the same arrangement: one for one, a list of as many for a list. */
export type Like<T extends Tensors> = T extends Tensor ? Tensor : { -readonly [K in keyof T]: Tensor };

/** The parameters of a function of such inputs. */
export type Parameters<T extends Tensors> = T extends readonly Tensor[]
  ? { -readonly [K in keyof T]: Tensor }
  : [Tensor];

export interface FunctionalOptions {
  /** Results are differentiable by the inputs again. Default false. */
  createGraph?: boolean | undefined;
  /** Whether an output that does not depend on an input is an error rather than zeros. Default false. */
  strict?: boolean | undefined;
}

export interface ProductOptions extends FunctionalOptions {
  /** The vector: one tensor for each output (vjp) or input. May be left out for a single element. */
  v?: Tensors | null | undefined;
}

/** `v`, `createGraph` and `strict` by position or by name. */
export type ProductArguments = Trailing<
  [v: Tensors | null | undefined, createGraph: boolean | undefined, strict: boolean | undefined],
  ProductOptions
>;

/** Reads the arguments of one of the products. */
export const productArguments = (
  op: string,
): ((args: readonly unknown[]) => { v: Tensors | null; createGraph: boolean; strict: boolean }) =>
  signature(op, ['v', 'createGraph', 'strict'], { v: null, createGraph: false, strict: false });

/** One tensor or a list of them as a list. @throws TypeError for anything else. */
export function listOf(op: string, what: string, value: unknown): readonly Tensor[] {
  const list = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  const wrong = list.findIndex((item) => !isTensor(item));
  if (wrong >= 0) {
    const place = Array.isArray(value) ? ` at position ${wrong}` : '';
    throw new TypeError(`${op}(): ${what} must be a tensor or a list of tensors, got a ${typeof list[wrong]}${place}`);
  }
  return list as readonly Tensor[];
}

/** In the arrangement of `like`. */
export const arranged = <T>(like: unknown, list: readonly T[]): T | readonly T[] =>
  Array.isArray(like) ? list : list[0]!;

/**
 * Inputs to differentiate by: fresh leaves, or, where the results are to be differentiable and the input has a history,
 * tensors that continue it.
 */
export function entries(inputs: readonly Tensor[], createGraph: boolean): Tensor[] {
  return inputs.map((x) => (createGraph && x.requiresGrad ? x.viewAs(x) : x.detach().requiresGrad_()));
}

/** Results without history unless that is wanted. */
export const finished = (results: readonly Tensor[], createGraph: boolean): Tensor[] =>
  results.map((x) => (createGraph ? x : x.detach()));

/**
 * The vector of a product, one tensor for each of `like`; ones for a single element.
 * @throws ShapeError when one does not have the shape of its counterpart.
 */
export function vectorsFor(op: string, v: unknown, like: readonly Tensor[], what: string): readonly Tensor[] {
  if (v === undefined || v === null) {
    if (like.length !== 1 || like[0]!.elementCount !== 1) {
      throw new ShapeError(`${op}(): the vector v may be left out only where ${what} is a single element`);
    }
    return like.map((x) => x.detach().fill(1));
  }
  const vectors = listOf(op, 'v', v);
  if (vectors.length !== like.length) {
    throw new ShapeError(`${op}(): v must have ${like.length} tensors, one for each of ${what}, got ${vectors.length}`);
  }
  vectors.forEach((vector, i) => {
    if (sameShape(vector.shape, like[i]!.shape)) return;
    throw new ShapeError(
      `${op}(): v has shape ${formatShape(vector.shape)} at position ${i}, expected ${formatShape(like[i]!.shape)} as ${what} has`,
    );
  });
  return vectors;
}

/** Gradients of `outputs` weighted by `vectors`, with zeros for inputs that they do not depend on (in strict mode: an error). */
export function gradients(
  op: string,
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  vectors: readonly Tensor[],
  options: { createGraph: boolean; strict: boolean; retainGraph?: boolean },
): Tensor[] {
  const used = outputs.flatMap((output, i) => (output.requiresGrad ? [i] : []));
  if (options.strict && used.length < outputs.length) {
    const first = outputs.findIndex((output) => !output.requiresGrad);
    throw new AutogradError(
      `${op}(): output ${first} of the function does not require gradients, which strict mode does not allow: compute it from the inputs in a differentiable way`,
    );
  }
  const found =
    used.length === 0
      ? inputs.map(() => null)
      : grad(
          used.map((i) => outputs[i]!),
          inputs,
          {
            gradOutputs: used.map((i) => vectors[i]!),
            createGraph: options.createGraph,
            retainGraph: options.retainGraph ?? options.createGraph,
            allowUnused: true,
          },
        );
  return found.map((gradient, i) => {
    if (gradient !== null) return gradient;
    if (options.strict) {
      throw new AutogradError(`${op}(): the outputs are independent of input ${i}, which strict mode does not allow`);
    }
    return zerosLike(inputs[i]!);
  });
}
