/** @file torch.nn.utils.stateless: calling a module with other parameters than its own. */
import type { Tensor } from '@flambeau/tensor';
import type { Module, Owned } from '../module.ts';

/** Tensors by name, as `stateDict()` has them. */
type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

interface Place {
  readonly owner: Module;
  readonly name: string;
  readonly before: Owned;
}

/** Where the tensor of a path lies. @throws TypeError when the module has none there. */
function placeOf(module: Module, path: string): Place {
  const dot = path.lastIndexOf('.');
  const [owner, name] = [module.getSubmodule(path.slice(0, Math.max(dot, 0))), path.slice(dot + 1)];
  const found = [...owner.ownEntries()].find(([key]) => key === name);
  if (found === undefined) throw new TypeError(`functionalCall(): the module has no parameter or buffer '${path}'`);
  return { owner, name, before: found[1] };
}

/**
 * What `module(...args)` gives when these tensors stand in place of its parameters and buffers of those names; others
 * stay. Gradients flow to the given tensors. The module is as before afterwards, whatever happens.
 *
 * ```ts
 * const net = new Linear(3, 2);
 * const weight = zeros(2, 3).requiresGrad_();
 * functionalCall(net, { weight }, [x]).sum().backward(); // weight.grad, and none of net.weight
 * ```
 * @param args the arguments of the call; one that is no list stands for itself.
 * @throws TypeError for a name that the module does not have.
 */
export function functionalCall<M extends Module>(
  module: M,
  parametersAndBuffers: NamedTensors,
  args: Parameters<M['forward']> | readonly unknown[] | Tensor,
): ReturnType<M['forward']> {
  const given = parametersAndBuffers instanceof Map ? [...parametersAndBuffers] : Object.entries(parametersAndBuffers);
  const places = given.map(([path]) => placeOf(module, path));
  const list = Array.isArray(args) ? args : [args];
  const put = (value: (i: number) => unknown): void => {
    for (const [i, { owner, name }] of places.entries()) owner.setOwned(name, value(i) as Owned);
  };
  try {
    put((i) => given[i]![1]);
    return module(...(list as unknown as Parameters<M['forward']>)) as ReturnType<M['forward']>;
  } finally {
    put((i) => places[i]!.before);
  }
}
