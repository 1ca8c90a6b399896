/** @file `func`: transformations of functions, as torch.func (functorch) has them. They nest in any way. */
import { AutogradError, enableGrad, isTensor, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { gradients, listOf, vectorsFor } from '../functional/arguments.ts';
import { jacobiansOf } from '../functional/jacobian.ts';
import { pushForward } from '../functional/products.ts';
import { entryOf, released } from './connected.ts';

export { vmap } from '../vmap.ts';

type Argnums = number | readonly number[];
/** What belongs to one argument, or to each of several. */
type ByArgument<A extends Argnums> = A extends number ? Tensor : Tensor[];
const graph = { createGraph: true, strict: false, retainGraph: true } as const;

/** Arguments with those at `argnums` as entries to differentiate by. @throws TypeError for one that is no tensor. */
function opened(op: string, args: readonly unknown[], argnums: Argnums): { args: unknown[]; xs: Tensor[] } {
  const copy = [...args];
  const places = (typeof argnums === 'number' ? [argnums] : argnums).map((n) => (n < 0 ? n + args.length : n));
  const xs = places.map((place) => {
    const x = args[place];
    if (!isTensor(x)) throw new TypeError(`${op}(): argument ${place} must be a tensor, got a ${typeof x}`);
    const entry = entryOf(x);
    copy[place] = entry;
    return entry;
  });
  return { args: copy, xs };
}

type ArgnumsArguments<A extends Argnums> = Trailing<[argnums: A], { argnums?: A | undefined }>;

const readers = new Map(
  ['grad', 'gradAndValue', 'jacrev', 'hessian'].map((op) => [
    op,
    signature<{ argnums: Argnums }>(op, ['argnums'], { argnums: 0 }),
  ]),
);

/** `argnums` by position or by name. */
const argnumsOf = <A extends Argnums>(op: string, args: readonly unknown[]): A => readers.get(op)!(args).argnums as A;

const byArgument = <A extends Argnums>(argnums: A, list: Tensor[]): ByArgument<A> =>
  (typeof argnums === 'number' ? list[0] : list) as ByArgument<A>;

/**
 * The function that gives the gradient of `func`, which returns a single element, and its value.
 * @param argnums which arguments to differentiate by: a position, or a list of them for a list of gradients.
 */
export function gradAndValue<Args extends readonly unknown[], A extends Argnums = number>(
  func: (...args: Args) => Tensor,
  ...args: ArgnumsArguments<A>
): (...args: Args) => [gradient: ByArgument<A>, value: Tensor] {
  const argnums = argnumsOf<A>('gradAndValue', args);
  return (...given) =>
    enableGrad(() => {
      const { args: inputs, xs } = opened('gradAndValue', given, argnums);
      const value = func(...(inputs as unknown as Args));
      if (!isTensor(value) || value.elementCount !== 1) {
        throw new AutogradError('grad(): the function must return one tensor of one element');
      }
      const found = gradients('grad', [value], xs, [value.detach().fill(1)], graph);
      return [
        byArgument(
          argnums,
          found.map((g) => released(g, xs)),
        ),
        released(value, xs),
      ];
    });
}

/**
 * The function that gives the gradient of `func`, which returns a single element.
 *
 * ```ts
 * func.grad(func.grad((x: Tensor) => x.pow(3)))(tensor(2)); // tensor(12.)
 * ```
 */
export function grad<Args extends readonly unknown[], A extends Argnums = number>(
  func: (...args: Args) => Tensor,
  ...args: ArgnumsArguments<A>
): (...args: Args) => ByArgument<A> {
  const both = gradAndValue(func, argnumsOf<A>('grad', args));
  return (...given) => both(...given)[0];
}

/** The value of `func`, and the function that takes a vector for each output to its product with the Jacobian, a list by argument. */
export function vjp<Out extends Tensor | readonly Tensor[]>(
  func: (...primals: Tensor[]) => Out,
  ...primals: Tensor[]
): [output: Out, vjpFn: (...cotangents: Tensor[]) => Tensor[]] {
  return enableGrad(() => {
    const xs = primals.map(entryOf);
    const result = func(...xs);
    const outputs = listOf('vjp', 'the result of the function', result);
    const shown = outputs.map((output) => released(output, xs));
    const pull = (...cotangents: Tensor[]): Tensor[] =>
      enableGrad(() => {
        const vectors = vectorsFor('vjp', cotangents, outputs, 'the output');
        return gradients('vjp', outputs, xs, vectors, graph).map((g) => released(g, xs));
      });
    return [(Array.isArray(result) ? shown : shown[0]) as unknown as Out, pull];
  });
}

/** The value of `func` at `primals` and the product of its Jacobian with `tangents`, one for each of them. */
export function jvp<Out extends Tensor | readonly Tensor[]>(
  func: (...primals: Tensor[]) => Out,
  primals: readonly Tensor[],
  tangents: readonly Tensor[],
): [output: Out, tangent: Out] {
  return enableGrad(() => {
    const xs = primals.map(entryOf);
    const result = func(...xs);
    const outputs = listOf('jvp', 'the result of the function', result);
    const vectors = vectorsFor('jvp', tangents, xs, 'the primals');
    const pushed = pushForward('jvp', outputs, xs, vectors, graph);
    const shown = [outputs, pushed].map((list) => list.map((x) => released(x, xs)));
    return (Array.isArray(result) ? shown : shown.map(([only]) => only)) as unknown as [Out, Out];
  });
}

/** The function that gives all derivatives of `func`'s result, [...result's shape, ...argument's shape], row by row. */
export function jacrev<Args extends readonly unknown[], A extends Argnums = number>(
  func: (...args: Args) => Tensor,
  ...args: ArgnumsArguments<A>
): (...args: Args) => ByArgument<A> {
  const argnums = argnumsOf<A>('jacrev', args);
  return (...given) =>
    enableGrad(() => {
      const { args: inputs, xs } = opened('jacrev', given, argnums);
      const [output] = listOf('jacrev', 'the result of the function', func(...(inputs as unknown as Args)));
      const found = jacobiansOf('jacrev', output!, xs, graph);
      return byArgument(
        argnums,
        found.map((g) => released(g, xs)),
      );
    });
}

/** The same as `jacrev`; there is no forward mode, and the numbers are the same. */
export const jacfwd: typeof jacrev = jacrev;

/** The function that gives all second derivatives of `func`, which returns a single element. */
export function hessian<Args extends readonly unknown[]>(
  func: (...args: Args) => Tensor,
  ...args: ArgnumsArguments<number>
): (...args: Args) => Tensor {
  const argnums = argnumsOf<number>('hessian', args);
  return jacrev(jacrev(func, argnums), argnums);
}
