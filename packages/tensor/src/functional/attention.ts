/** @file Attention. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { onesLike } from '../like.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { tracks } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { dropout } from './dropout.ts';

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
    return fused(query, key, value, given) ?? composed(query, key, value, given)[0];
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

/** By the device's own kernel; null where it has none, or none for these, or where a backward pass may follow. */
function fused(query: Tensor, key: Tensor, value: Tensor, given: Given): Tensor | null {
  const { attnMask: mask, dropoutP, isCausal } = given;
  const kernel = backendFor(query.device).fused.attention;
  if (kernel === undefined || dropoutP > 0) return null;
  const tensors = [query, key, value, ...(mask === null ? [] : [mask])];
  if (state.gradEnabled && tensors.some(tracks)) return null;
  const alike = (x: Tensor): boolean => x.device === query.device && (x === mask || x.dtype === query.dtype);
  if (!tensors.every(alike) || (mask !== null && mask.dtype !== 'bool' && mask.dtype !== query.dtype)) return null;
  const batch = tensors.reduce<readonly number[]>(
    (shape, x) => broadcastShapes('scaledDotProductAttention', shape, x.shape.slice(0, -2)),
    [],
  );
  const [rows, count] = [query.shape.at(-2)!, key.shape.at(-2)!];
  const out = allocateLike(query, [...batch, rows, value.shape.at(-1)!]);
  if (out.elementCount === 0 || count === 0) return null;
  const wide = (x: Tensor): Tensor => x.expand([...batch, ...x.shape.slice(-2)]);
  const done = untracked(() => {
    const wideMask = mask?.expand([...batch, rows, count]) ?? null;
    return kernel(wide(query), wide(key), wide(value), wideMask, { scale: scaleOf(query, given), isCausal }, out);
  });
  return done ? out : null;
}

function composed(query: Tensor, key: Tensor, value: Tensor, given: Given): [output: Tensor, weights: Tensor] {
  const { attnMask, dropoutP, isCausal } = given;
  let scores = query.mul(scaleOf(query, given)).matmul(key.transpose(-2, -1));
  const mask = isCausal ? onesLike(scores.detach(), { dtype: 'bool' }).tril() : attnMask;
  if (mask !== null) scores = scores.add(additive(mask, query));
  const shares = scores.softmax(-1);
  const weights = dropoutP > 0 ? dropout(shares, dropoutP, true) : shares;
  return [weights.matmul(value), weights];
}
