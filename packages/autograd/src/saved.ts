/** @file What a graph saves for the backward pass, and hooks that save it in another way. */
import { AutogradError, copyOf, isTensor, type ModeGuard, noGrad, Tensor } from '@flambeau/tensor';
import { asUser, currentMode, type Storage, state, withMode } from '@flambeau/tensor/internal';
import type { Edge, Node } from './node.ts';
import { Slot } from './slot.ts';

const kind = 'savedTensorsHooks';

interface SavingHooks {
  readonly pack: (tensor: Tensor) => unknown;
  readonly unpack: (packed: never) => Tensor;
  /** Hooks of the library's own: pack keeps nothing of its tensor, and nobody else has what unpack returns. */
  readonly own?: boolean;
}

/** `savedTensorsHooks` for hooks of the library's own. */
export function saveBy<Packed, T>(
  pack: (tensor: Tensor) => Packed,
  unpack: (packed: Packed) => Tensor,
  fn: () => T,
): T {
  return withMode(kind, { pack, unpack, own: true } satisfies SavingHooks, fn) as T;
}

/**
 * Lets `pack` turn every tensor that is saved for a backward pass into whatever is to be kept instead, and `unpack`
 * turn that into a tensor again when the backward pass needs it: to compress, to store elsewhere, to compute again. Both
 * are synchronous; `pack` must not change its tensor. The innermost hooks that are open when an op is called count.
 *
 * ```ts
 * const half = savedTensorsHooks((x) => x.half(), (x) => x.float(), () => net(input).sum());
 * { using _ = savedTensorsHooks(pack, unpack); … }
 * ```
 */
export function savedTensorsHooks<Packed>(
  pack: (tensor: Tensor) => Packed,
  unpack: (packed: Packed) => Tensor,
): ModeGuard;
export function savedTensorsHooks<Packed, T>(
  pack: (tensor: Tensor) => Packed,
  unpack: (packed: Packed) => Tensor,
  fn: () => T,
): T;
export function savedTensorsHooks<T>(
  pack: SavingHooks['pack'],
  unpack: SavingHooks['unpack'],
  fn?: () => T,
): T | ModeGuard {
  return withMode(kind, { pack, unpack } satisfies SavingHooks, fn);
}

/** What hooks made of a saved tensor. */
interface Packed {
  readonly value: unknown;
  readonly hooks: SavingHooks;
}

function pack(tensor: Tensor): Packed | null {
  const hooks = state.modes === null ? null : currentMode<SavingHooks | null>(kind, null);
  if (hooks === null) return null;
  const { version } = tensor.storage;
  const value = asUser(() => noGrad(() => hooks.pack(hooks.own ? tensor : tensor.detach())));
  if (tensor.storage.version !== version) {
    throw new AutogradError('savedTensorsHooks: pack changed its tensor in place; let it work on a clone()');
  }
  return { value, hooks };
}

function unpacked({ value, hooks }: Packed): Tensor {
  const tensor = asUser(() => hooks.unpack(value as never));
  if (!isTensor(tensor))
    throw new AutogradError(`savedTensorsHooks: unpack must return a tensor, got ${typeof tensor}`);
  const shown = tensor.detach();
  if (hooks.own) tensor.dispose();
  return shown;
}

/**
 * A tensor that a node needs in the backward pass. Holds the storage, not the user's handle, and the version it had:
 * values that were overwritten since are an error, never wrong gradients. With hooks it holds what these made of it.
 */
export class SavedTensor {
  readonly #storage: Storage | null;
  readonly #version: number;
  readonly #tensor: Pick<Tensor, 'dtype' | 'shape' | 'strides' | 'offset'>;
  /** Where gradients of this value go, when a graph of the backward pass is built. */
  readonly #edge: Edge | null;
  readonly #packed: Packed | null;

  constructor(tensor: Tensor, edge: Edge | null) {
    const kept = tensor.storage === state.overwriting ? copyOf(tensor) : tensor;
    this.#packed = pack(kept);
    this.#storage = this.#packed === null ? kept.storage : null;
    if (this.#storage !== null) this.#storage.root.users++;
    if (kept !== tensor) kept.dispose();
    this.#version = kept.storage.version;
    this.#tensor = { dtype: kept.dtype, shape: kept.shape, strides: kept.strides, offset: kept.offset };
    this.#edge = edge;
  }

  /** Lets go of the memory: the node will not run again. */
  release(): void {
    this.#storage?.release();
  }

  /** The value as a tensor, connected to the graph when one is being built. @throws AutogradError when it was overwritten. */
  unpack(node: Node): Tensor {
    const tensor = this.#packed === null ? this.#stored(node, this.#storage!) : unpacked(this.#packed);
    if (this.#edge !== null && state.gradEnabled) tensor.autograd = Slot.fromEdge(this.#edge);
    return tensor;
  }

  #stored(node: Node, storage: Storage): Tensor {
    const { dtype, shape, strides, offset } = this.#tensor;
    if (storage.version !== this.#version) {
      throw new AutogradError(
        `one of the tensors needed for the gradient computation of ${node.name} was changed by an in-place operation: ` +
          `a ${dtype} tensor of shape [${shape.join(', ')}] is at version ${storage.version}; expected version ${this.#version}. ` +
          'Use the out-of-place form of that operation, or clone() the tensor first.',
      );
    }
    return new Tensor(storage, dtype, shape, strides, offset);
  }
}

/** Lets go of everything that a node has saved. */
export function releaseAll(saved: readonly unknown[]): void {
  for (const slot of saved) if (slot instanceof SavedTensor) slot.release();
}

/** @throws AutogradError for a second backward pass through a graph that was not retained. */
export function throwReleased(node: Node): never {
  throw new AutogradError(
    `${node.name}: the saved tensors of this graph were already freed by an earlier backward pass. ` +
      'Pass { retainGraph: true } to the first backward() (or autograd.grad()) to go through it again.',
  );
}
