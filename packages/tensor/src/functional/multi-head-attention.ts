/** @file Attention in several heads, with projections. Vaswani et al. 2017. */
import { signature, type Trailing } from '../args.ts';
import { full, zeros } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { cat } from '../ops/join.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { scaledDotProductAttention, scaledDotProductAttentionWithWeights } from './attention.ts';
import { linear } from './linear.ts';
import { pad } from './padding.ts';

interface Given {
  embedDimToCheck: number;
  numHeads: number;
  inProjWeight: Tensor | null;
  inProjBias: Tensor | null;
  biasK: Tensor | null;
  biasV: Tensor | null;
  addZeroAttn: boolean;
  dropoutP: number;
  outProjWeight: Tensor;
  outProjBias: Tensor | null;
  training: boolean;
  keyPaddingMask: Tensor | null;
  needWeights: boolean;
  attnMask: Tensor | null;
  useSeparateProjWeight: boolean;
  qProjWeight: Tensor | null;
  kProjWeight: Tensor | null;
  vProjWeight: Tensor | null;
  staticK: Tensor | null;
  staticV: Tensor | null;
  averageAttnWeights: boolean;
}

type MoreOptions = {
  /** Whether weights are dropped. Default true. */
  training?: boolean | undefined;
  /** [N, S]: true (or −∞ added) for keys that are padding. */
  keyPaddingMask?: Tensor | null | undefined;
  /** Whether to give the weights too. Default true. */
  needWeights?: boolean | undefined;
  /** [L, S] or [N · heads, L, S]: true where a key may not be looked at, or numbers added to the scores. */
  attnMask?: Tensor | null | undefined;
  /** Takes qProjWeight, kProjWeight and vProjWeight instead of inProjWeight. Default false. */
  useSeparateProjWeight?: boolean | undefined;
  /** [embedDim, embedDim] */
  qProjWeight?: Tensor | null | undefined;
  /** [embedDim, kdim] */
  kProjWeight?: Tensor | null | undefined;
  /** [embedDim, vdim] */
  vProjWeight?: Tensor | null | undefined;
  /** [N · heads, S, embedDim / heads]: keys in heads, taken instead of the projected ones. */
  staticK?: Tensor | null | undefined;
  /** The same of values. */
  staticV?: Tensor | null | undefined;
  /** Whether to average the weights over the heads. Default true. */
  averageAttnWeights?: boolean | undefined;
};

export interface MultiHeadAttentionOptions extends MoreOptions {
  /** The size E that queries must have. */
  embedDimToCheck: number;
  numHeads: number;
  /** [3E, E]: projections of queries, keys and values, one below the other. */
  inProjWeight?: Tensor | null | undefined;
  /** [3E] */
  inProjBias?: Tensor | null | undefined;
  /** [1, 1, E]: a key (and value) that is added to every sequence. */
  biasK?: Tensor | null | undefined;
  biasV?: Tensor | null | undefined;
  /** Adds a key and value of zeros. */
  addZeroAttn?: boolean | undefined;
  /** Share of the attention weights that is dropped. Default 0. */
  dropoutP?: number | undefined;
  /** [E, E] */
  outProjWeight: Tensor;
  /** [E] */
  outProjBias?: Tensor | null | undefined;
}

type MultiHeadArguments =
  | [
      embedDimToCheck: number,
      numHeads: number,
      inProjWeight: Tensor | null,
      inProjBias: Tensor | null,
      biasK: Tensor | null,
      biasV: Tensor | null,
      addZeroAttn: boolean,
      dropoutP: number,
      outProjWeight: Tensor,
      outProjBias: Tensor | null,
      ...rest: Trailing<
        [
          training: boolean,
          keyPaddingMask: Tensor | null,
          needWeights: boolean,
          attnMask: Tensor | null,
          useSeparateProjWeight: boolean,
          qProjWeight: Tensor | null,
          kProjWeight: Tensor | null,
          vProjWeight: Tensor | null,
          staticK: Tensor | null,
          staticV: Tensor | null,
          averageAttnWeights: boolean,
        ],
        MoreOptions
      >,
    ]
  | [options: MultiHeadAttentionOptions];

const op = 'multiHeadAttentionForward';

const names = [
  ...(['embedDimToCheck', 'numHeads', 'inProjWeight', 'inProjBias', 'biasK', 'biasV', 'addZeroAttn'] as const),
  ...(['dropoutP', 'outProjWeight', 'outProjBias', 'training', 'keyPaddingMask', 'needWeights', 'attnMask'] as const),
  ...(['useSeparateProjWeight', 'qProjWeight', 'kProjWeight', 'vProjWeight', 'staticK', 'staticV'] as const),
  'averageAttnWeights',
] as const;

const parse = signature<Given>(op, names, {
  inProjWeight: null,
  inProjBias: null,
  biasK: null,
  biasV: null,
  addZeroAttn: false,
  dropoutP: 0,
  outProjBias: null,
  training: true,
  keyPaddingMask: null,
  needWeights: true,
  attnMask: null,
  useSeparateProjWeight: false,
  qProjWeight: null,
  kProjWeight: null,
  vProjWeight: null,
  staticK: null,
  staticV: null,
  averageAttnWeights: true,
});

type Triple = readonly [query: Tensor, key: Tensor, value: Tensor];

/** @throws ShapeError for ranks, a size of the queries or masks that do not fit, RangeError for heads that E cannot be split into. */
function check([query, key, value]: Triple, { embedDimToCheck: size, numHeads, keyPaddingMask }: Given): void {
  const rank = query.ndim;
  if ((rank !== 2 && rank !== 3) || key.ndim !== rank || value.ndim !== rank) {
    const shapes = [query, key, value].map((x) => formatShape(x.shape)).join(', ');
    throw new ShapeError(`${op}(): query, key and value must be [T, N, E] or [T, E] alike, got ${shapes}`);
  }
  if (query.shape.at(-1) !== size)
    throw new ShapeError(`${op}(): query must have ${size} features, got shape ${formatShape(query.shape)}`);
  if (!Number.isInteger(numHeads) || numHeads < 1 || size % numHeads !== 0)
    throw new RangeError(`${op}(): ${size} features cannot be split into ${numHeads} heads`);
  if (keyPaddingMask !== null && keyPaddingMask.ndim !== rank - 1)
    throw new ShapeError(
      `${op}(): keyPaddingMask must be ${rank === 3 ? '[N, S]' : '[S]'}, got ${formatShape(keyPaddingMask.shape)}`,
    );
}

/** Three times the same tensor is projected once. @throws TypeError where a weight is missing. */
function project([query, key, value]: Triple, given: Given): [Tensor, Tensor, Tensor] {
  const { inProjWeight: joint, inProjBias, useSeparateProjWeight: separate } = given;
  if (!separate && joint !== null && query === key && key === value)
    return linear(query, joint, inProjBias).chunk(3, -1) as [Tensor, Tensor, Tensor];
  const weights = separate
    ? [given.qProjWeight, given.kProjWeight, given.vProjWeight]
    : (joint?.chunk(3) ?? [null, null, null]);
  const biases = inProjBias?.chunk(3) ?? [null, null, null];
  return [query, key, value].map((x, i) => {
    const weight = weights[i] ?? null;
    if (weight === null)
      throw new TypeError(
        `${op}(): give ${separate ? 'qProjWeight, kProjWeight and vProjWeight' : 'inProjWeight, or useSeparateProjWeight'}`,
      );
    return linear(x, weight, biases[i] ?? null);
  }) as [Tensor, Tensor, Tensor];
}

/** @throws ShapeError unless a mask, or keys in heads, have one of the shapes. */
function checkShape(name: string, x: Tensor | null, ...shapes: readonly (readonly (number | null)[])[]): void {
  if (
    x === null ||
    shapes.some((shape) => shape.length === x.ndim && shape.every((n, d) => n === null || n === x.shape[d]))
  )
    return;
  const expected = shapes.map((shape) => `[${shape.map((n) => n ?? 'S').join(', ')}]`).join(' or ');
  throw new ShapeError(`${op}(): ${name} must be ${expected}, got ${formatShape(x.shape)}`);
}

/** What is added to the scores [N · heads, L, S]: −∞ where nothing may be looked at. The last `added` keys are free. */
function maskOf(
  { attnMask, numHeads }: Given,
  padding: Tensor | null,
  added: number,
  [heads, steps, keys]: readonly [number, number, number],
  { dtype, device }: Tensor,
): Tensor | null {
  checkShape('attnMask', attnMask, [steps, keys - added], [heads, steps, keys - added]);
  checkShape('keyPaddingMask', padding, [heads / numHeads, keys - added]);
  const additive = (mask: Tensor): Tensor => {
    const numbers =
      mask.dtype === 'bool' ? full(mask.shape, 0, { dtype, device }).maskedFill(mask, -Infinity) : mask.to(dtype);
    return added === 0 ? numbers : pad(numbers, [0, added]);
  };
  const mask = attnMask === null ? null : additive(attnMask);
  if (padding === null) return mask;
  const inHeads = additive(padding).view([-1, 1, 1, keys]).expand(-1, numHeads, -1, -1).reshape([heads, 1, keys]);
  return mask === null ? inHeads : mask.add(inHeads);
}

/** The output [L, N, E] and the weights [N, heads, L, S], or null where they are not wanted. */
function attend(inputs: Triple, padding: Tensor | null, given: Given): [Tensor, Tensor | null] {
  const { numHeads, biasK, biasV, staticK, staticV } = given;
  const [steps, count, features] = inputs[0].shape as readonly [number, number, number];
  for (const [name, x] of [
    ['staticK', staticK],
    ['staticV', staticV],
  ] as const)
    checkShape(name, x, [count * numHeads, null, features / numHeads]);
  const projected = project(inputs, given);
  /** [T, N, E] as [N · heads, T, E / heads]. */
  const heads = (x: Tensor): Tensor => x.reshape([x.shape[0]!, count * numHeads, features / numHeads]).transpose(0, 1);
  const extended = (x: Tensor, extra: Tensor | null): Tensor =>
    extra === null ? x : cat([x, extra.expand(1, count, features)]);
  const q = heads(projected[0]);
  let k = staticK ?? heads(extended(projected[1], biasK));
  let v = staticV ?? heads(extended(projected[2], biasV));
  if (given.addZeroAttn) {
    const nothing = zeros([count * numHeads, 1, features / numHeads], { dtype: k.dtype, device: k.device });
    [k, v] = [cat([k, nothing], 1), cat([v, nothing], 1)];
  }
  const added = (biasK === null ? 0 : 1) + (given.addZeroAttn ? 1 : 0);
  const scores = [count * numHeads, steps, k.shape[1]!] as const;
  const options = {
    attnMask: maskOf(given, padding, added, scores, q),
    dropoutP: given.training ? given.dropoutP : 0,
  };
  const [mixed, weights] = given.needWeights
    ? scaledDotProductAttentionWithWeights(q, k, v, options)
    : [scaledDotProductAttention(q, k, v, options), null];
  const joined = mixed.transpose(0, 1).reshape([steps, count, features]);
  return [
    linear(joined, given.outProjWeight, given.outProjBias),
    weights?.view([count, numHeads, ...scores.slice(1)]) ?? null,
  ];
}

/**
 * Attention in several heads: what `nn.MultiheadAttention` computes with its parameters.
 *
 * ```ts
 * const [output, weights] = F.multiHeadAttentionForward(x, x, x, {
 *   embedDimToCheck: 16, numHeads: 4, inProjWeight, outProjWeight,
 * });
 * ```
 * @param query [L, N, E], or [L, E]
 * @param key [S, N, kdim], or [S, kdim]
 * @param value [S, N, vdim], or [S, vdim]
 * @returns the output [L, N, E] and the weights [N, L, S] ([N, heads, L, S] where not averaged), or null.
 * @throws ShapeError for shapes that do not fit, RangeError for a number of heads that does not divide E, TypeError where
 *   a projection is missing, or `biasK` comes without `biasV` or with `staticK`.
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: MultiHeadArguments
): [output: Tensor, weights: Tensor | null] {
  const given = parse(args);
  check([query, key, value], given);
  if ((given.biasK === null) !== (given.biasV === null))
    throw new TypeError(`${op}(): biasK and biasV belong together`);
  if (given.biasK !== null && (given.staticK !== null || given.staticV !== null))
    throw new TypeError(`${op}(): biasK and biasV cannot be added to staticK and staticV`);
  const batched = query.ndim === 3;
  const q = batched ? query : query.unsqueeze(1);
  // One tensor given three times stays one.
  const k = batched ? key : key === query ? q : key.unsqueeze(1);
  const v = batched ? value : value === key ? k : value === query ? q : value.unsqueeze(1);
  const padding = batched ? given.keyPaddingMask : (given.keyPaddingMask?.unsqueeze(0) ?? null);
  const [output, weights] = attend([q, k, v], padding, given);
  const shown = given.averageAttnWeights ? (weights?.mean(1) ?? null) : weights;
  return batched ? [output, shown] : [output.squeeze(1), shown?.squeeze(0) ?? null];
}
