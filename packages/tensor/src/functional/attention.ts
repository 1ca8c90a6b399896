/** @file Attention: in a kernel of the device's own where it has one, else composed. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import type { AttentionSpec } from '../backend.ts';
import { isFloating } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { onesLike } from '../like.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { record, tracks } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { dropout } from './dropout.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface AttentionOps {
  /** Of (query, key, value, mask, log Σ exp of the rows of scores), by the device's own kernel. */
  scaledDotProductAttention: AttentionSpec;
}

export interface AttentionOptions {
  /** Added to the scores, or (bool) true where a key may be looked at; broadcasts to [..., L, S]. */
  attnMask?: Tensor | null | undefined;
  /** Share of the weights that is dropped. Default 0. */
  dropoutP?: number | undefined;
  /** Position i looks at no key beyond i. */
  isCausal?: boolean | undefined;
  /** Factor of the scores. Default 1 / √E. */
  scale?: number | null | undefined;
}

interface Given {
  attnMask: Tensor | null;
  dropoutP: number;
  isCausal: boolean;
  scale: number | null;
}

const parse = signature<Given>('scaledDotProductAttention', ['attnMask', 'dropoutP', 'isCausal'], {
  attnMask: null,
  dropoutP: 0,
  isCausal: false,
  scale: null,
});

/** A bool mask as what is added to scores: 0 where true, −∞ elsewhere. */
function additive(mask: Tensor, query: Tensor): Tensor {
  if (mask.dtype !== 'bool') return mask;
  return query.newZeros(mask.shape).maskedFill(mask.logicalNot(), Number.NEGATIVE_INFINITY);
}

type AttentionArguments = Trailing<[attnMask: Tensor | null, dropoutP: number, isCausal: boolean], AttentionOptions>;

/**
 * softmax(Q Kᵀ / √E + mask) V (Vaswani et al., 2017).
 * @param query [..., L, E]
 * @param key [..., S, E]
 * @param value [..., S, Ev]
 * @returns [..., L, Ev]
 * @throws ShapeError when the shapes do not fit, TypeError for a mask together with `isCausal`.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: AttentionArguments
): Tensor {
  return temporaries(() => {
    const given = parse(args);
    checkAttention(query, key, value, given);
    return fused(given, query, key, value) ?? composed(query, key, value, given)[0];
  });
}

/** {@link scaledDotProductAttention} and its weights [..., L, S]: what the softmax gives, after dropout. */
export function scaledDotProductAttentionWithWeights(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: AttentionArguments
): [output: Tensor, weights: Tensor] {
  return temporaries(() => {
    const given = parse(args);
    checkAttention(query, key, value, given);
    return composed(query, key, value, given);
  });
}

function checkAttention(query: Tensor, key: Tensor, value: Tensor, { attnMask, isCausal }: Given): void {
  if (
    query.ndim < 2 ||
    key.ndim < 2 ||
    value.ndim < 2 ||
    query.shape.at(-1) !== key.shape.at(-1) ||
    key.shape.at(-2) !== value.shape.at(-2)
  ) {
    const shapes = [query, key, value].map((x) => formatShape(x.shape)).join(', ');
    throw new ShapeError(
      `scaledDotProductAttention(): expected query [..., L, E], key [..., S, E] and value [..., S, Ev], got ${shapes}`,
    );
  }
  if (isCausal && attnMask !== null)
    throw new TypeError('scaledDotProductAttention(): give either attnMask or isCausal');
}

const scaleOf = (query: Tensor, { scale }: Given): number => scale ?? 1 / Math.sqrt(query.shape.at(-1)!);

/** A tensor with all dimensions of the batch. */
const inBatch = (x: Tensor, batch: readonly number[]): Tensor => x.expand([...batch, ...x.shape.slice(-2)]);

/** By the device's own kernel, recorded as one op; null where it has none, or none for these. */
function fused(given: Given, ...operands: [query: Tensor, key: Tensor, value: Tensor]): Tensor | null {
  const { attention: kernel, attentionBackward } = backendFor(operands[0].device).fused;
  if (kernel === undefined || given.dropoutP > 0) return null;
  const inputs = [...operands, given.attnMask] as const;
  const [query, key, value, mask] = state.autocasting ? autocastOperands('matmul', inputs) : inputs;
  const tensors = [query, key, value, ...(mask === null ? [] : [mask])];
  const recorded = state.gradEnabled && tensors.some(tracks);
  if (recorded && (attentionBackward === undefined || tracks(mask))) return null;
  const alike = (x: Tensor): boolean =>
    x.device === query.device && (x.dtype === query.dtype || (x === mask && x.dtype === 'bool'));
  if (!isFloating(query.dtype) || !tensors.every(alike)) return null;
  const batch = tensors.reduce<readonly number[]>(
    (shape, x) => broadcastShapes('scaledDotProductAttention', shape, x.shape.slice(0, -2)),
    [],
  );
  const [rows, count] = [query.shape.at(-2)!, key.shape.at(-2)!];
  const out = allocateLike(query, [...batch, rows, value.shape.at(-1)!]);
  if (out.elementCount === 0 || count === 0 || query.shape.at(-1) === 0) return null;
  const logSumExp = recorded ? allocateLike(query, [...batch, rows, 1], 'float32') : null;
  const spec = { scale: scaleOf(query, given), isCausal: given.isCausal };
  const done = untracked(() => {
    const [q, k, v] = [query, key, value].map((x) => inBatch(x, batch)) as [Tensor, Tensor, Tensor];
    return kernel(q, k, v, mask?.expand([...batch, rows, count]) ?? null, spec, out, logSumExp);
  });
  return done ? record('scaledDotProductAttention', [query, key, value, mask, logSumExp], out, spec) : null;
}

/**
 * @internal The gradients by query, key and value of what the device's kernel made, by its other kernel and without history;
 * `needs` says which are wanted.
 */
export function attentionGradients(
  grad: Tensor,
  inputs: readonly [query: Tensor, key: Tensor, value: Tensor],
  [mask, out, logSumExp]: readonly [mask: Tensor | null, out: Tensor, logSumExp: Tensor],
  spec: AttentionSpec,
  needs: readonly boolean[],
): (Tensor | null)[] {
  const batch = out.shape.slice(0, -2);
  const [query, key, value] = inputs.map((x) => inBatch(x, batch)) as [Tensor, Tensor, Tensor];
  const gradients = [query, key, value].map((x, i) => (needs[i] ? allocateLike(x) : null));
  const [gradQuery, gradKey, gradValue] = gradients as [Tensor | null, Tensor | null, Tensor | null];
  const wideMask = mask?.expand([...batch, query.shape.at(-2)!, key.shape.at(-2)!]) ?? null;
  backendFor(out.device).fused.attentionBackward!(grad, query, key, value, wideMask, out, logSumExp, spec, {
    query: gradQuery,
    key: gradKey,
    value: gradValue,
  });
  return gradients.map((gradient, i) => gradient?.sumToSize(inputs[i]!.shape) ?? null);
}

/** @internal The weights [..., L, S] as an ordinary composition: softmax(scale · Q Kᵀ + mask). */
export function attentionWeights(
  query: Tensor,
  key: Tensor,
  attnMask: Tensor | null,
  { scale, isCausal }: AttentionSpec,
): Tensor {
  const scores = query.mul(scale).matmul(key.transpose(-2, -1));
  const mask = isCausal ? onesLike(scores.detach(), { dtype: 'bool' }).tril() : attnMask;
  return (mask === null ? scores : scores.add(additive(mask, query))).softmax(-1);
}

function composed(query: Tensor, key: Tensor, value: Tensor, given: Given): [output: Tensor, weights: Tensor] {
  const { attnMask, dropoutP, isCausal } = given;
  const shares = attentionWeights(query, key, attnMask, { scale: scaleOf(query, given), isCausal });
  const weights = dropoutP > 0 ? dropout(shares, dropoutP, true) : shares;
  return [weights.matmul(value), weights];
}
