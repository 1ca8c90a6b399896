/** @file Parameters as one vector and back. */
import { cat, ShapeError, type Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';

/** All elements of the parameters in one vector. Gradients flow back. */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  return cat([...parameters].map((parameter) => parameter.reshape(-1)));
}

/** Copies the elements of a vector into parameters, in order. @throws ShapeError when it is too short; nothing is changed then. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const list = [...parameters];
  const needed = list.reduce((n, { elementCount }) => n + elementCount, 0);
  if (vector.ndim !== 1 || vector.elementCount < needed) {
    throw new ShapeError(
      `vectorToParameters(): the parameters need a vector of ${needed} elements, got shape [${vector.shape.join(', ')}]`,
    );
  }
  untracked(() => {
    let start = 0;
    for (const parameter of list) {
      parameter.copy_(vector.narrow(0, start, parameter.elementCount).view([...parameter.shape]));
      start += parameter.elementCount;
    }
  });
}
