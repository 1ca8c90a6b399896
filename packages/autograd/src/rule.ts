/** @file The form in which derivatives of ops are written down. */
import type { DType, Tensor } from '@flambeau/tensor';
import type { OpAttributes, RecordedOp } from '@flambeau/tensor/internal';

/** What is remembered of an input: enough to make a gradient that fits it. */
export interface InputMeta {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: string;
}

/** A call that is being recorded. */
export interface RecordedCall<Attributes> {
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** Which inputs want a gradient. */
  readonly needs: readonly boolean[];
}

/** What a rule gets in the backward pass. */
export interface BackwardContext<Attributes> {
  readonly attributes: Attributes;
  readonly needs: readonly boolean[];
  readonly inputs: readonly (InputMeta | null)[];
  /** What `save` returned, in order. Entries that were null there are null here, though typed as tensors. */
  readonly saved: readonly Tensor[];
}

/**
 * The derivative of one op. `backward` is written with ordinary ops, so that derivatives of every order exist; it
 * returns one gradient for each input (null for none). With several outputs a gradient may be null: none reached it.
 */
export interface Rule<Op extends RecordedOp> {
  /** PyTorch's name of the graph node, where it is not `<Op>Backward0`. */
  readonly node?: string | ((attributes: OpAttributes[Op]) => string);
  /** Positions of the inputs that PyTorch's node has edges for, in its order; by default all but integers and masks. */
  readonly shown?: (attributes: OpAttributes[Op]) => readonly number[];
  readonly save?: (call: RecordedCall<OpAttributes[Op]>) => readonly (Tensor | null | undefined)[];
  backward(context: BackwardContext<OpAttributes[Op]>, ...grads: Tensor[]): readonly (Tensor | null | undefined)[];
}

/** Rules for a set of ops: a forgotten one does not compile. */
export type Rules<Ops extends RecordedOp> = { readonly [Op in Ops]: Rule<Op> };
