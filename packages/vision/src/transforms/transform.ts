/** @file What all transforms are: callable objects that print as PyTorch's do. */

const inspect = Symbol.for('nodejs.util.inspect.custom');

export interface Transform<Input, Output> {
  (input: Input): Output;
  toString(): string;
}

/**
 * Base class of transforms. Instances are functions: `transform(image)` calls `forward`.
 *
 * ```ts
 * class Invert extends Transform<Tensor, Tensor> {
 *   forward(image: Tensor): Tensor {
 *     return image.neg().add(1);
 *   }
 * }
 * new Compose([new ToTensor(), new Invert()]);
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor returns a function, which the interface types.
export abstract class Transform<Input, Output> {
  constructor() {
    const call = (input: Input): Output => (call as unknown as Transform<Input, Output>).forward(input);
    // A function's own fields, which a subclass's fields of these names could not replace.
    for (const name of ['name', 'length']) delete (call as unknown as Record<string, unknown>)[name];
    // biome-ignore lint/correctness/noConstructorReturn: instances are callable.
    return Object.setPrototypeOf(call, new.target.prototype) as this;
  }

  abstract forward(input: Input): Output;

  /** The class and its settings, as PyTorch prints them. */
  toString(): string {
    return `${this.constructor.name}()`;
  }

  [inspect](): string {
    return this.toString();
  }
}
