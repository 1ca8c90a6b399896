import '@flambeau/backend-cpu';
import { arange, type Index, slice, type Tensor, tensor, zeros } from '@flambeau/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ModelIndex, nameElements } from './indexModel.ts';

/** The index as users write it. */
function written(index: ModelIndex, asText: boolean): Index {
  if (index.kind === 'integer') return index.value;
  if (index.kind === 'new') return null;
  if (index.kind === 'ellipsis') return '...';
  if (index.kind === 'mask') return tensor([...index.flags], { dtype: 'bool' }).view(index.shape);
  if (index.kind === 'list') return tensor([...index.list], { dtype: asText ? 'int32' : 'int64' }).view(index.shape);
  const { start, stop, step } = index;
  return asText ? `${start ?? ''}:${stop ?? ''}${step === null ? '' : `:${step}`}` : slice(start, stop, step);
}

const bound = fc.option(fc.integer({ min: -6, max: 6 }));
const sliceIndex = fc.record({
  kind: fc.constant('slice' as const),
  start: bound,
  stop: bound,
  step: fc.option(fc.integer({ min: 1, max: 3 })),
});

/** Index shapes that broadcast against each other. */
const block = fc.constantFrom<readonly number[]>([], [1], [3], [2, 1], [2, 3], [1, 3]);

function dimensionIndex(size: number): fc.Arbitrary<ModelIndex> {
  const options: fc.Arbitrary<ModelIndex>[] = [sliceIndex];
  if (size > 0) {
    const value = fc.integer({ min: -size, max: size - 1 });
    options.push(value.map((v) => ({ kind: 'integer', value: v })));
    const list = block.chain((shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      return fc
        .array(value, { minLength: count, maxLength: count })
        .map((l): ModelIndex => ({ kind: 'list', shape, list: l }));
    });
    // A list of one 0-d index is an integer to PyTorch.
    const plain = (index: ModelIndex): ModelIndex =>
      index.kind === 'list' && index.shape.length === 0 ? { kind: 'integer', value: index.list[0]! } : index;
    options.push(list.map(plain));
  }
  return fc.oneof(...options);
}

const mask = (shape: readonly number[]): fc.Arbitrary<ModelIndex> => {
  const count = shape.reduce((a, b) => a * b, 1);
  return fc
    .array(fc.boolean(), { minLength: count, maxLength: count })
    .map((flags) => ({ kind: 'mask', shape, flags }));
};

interface Case {
  readonly shape: readonly number[];
  readonly indices: readonly ModelIndex[];
}

/** A shape and indices for its leading dimensions, then perhaps an ellipsis and indices for trailing ones; new axes between. */
const indexCase: fc.Arbitrary<Case> = fc
  .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 })
  .chain((shape) =>
    fc
      .record({ lead: fc.nat({ max: shape.length }), trail: fc.nat({ max: shape.length }), ellipsis: fc.boolean() })
      .chain(({ lead, trail, ellipsis }) => {
        const tail = ellipsis ? Math.min(trail, shape.length - lead) : 0;
        const leading = shape.slice(0, lead).map(dimensionIndex);
        const trailing = shape.slice(shape.length - tail).map(dimensionIndex);
        const news = fc.array(fc.boolean(), {
          minLength: leading.length + trailing.length + 1,
          maxLength: leading.length + trailing.length + 1,
        });
        return fc.tuple(fc.tuple(...leading), fc.tuple(...trailing), news).map(([first, last, axes]) => {
          const middle: ModelIndex[] = ellipsis ? [{ kind: 'ellipsis' }] : [];
          const indices = [...first, ...middle, ...last].flatMap((index, i): ModelIndex[] =>
            axes[i] ? [{ kind: 'new' }, index] : [index],
          );
          return { shape, indices };
        });
      }),
  );

const maskCase: fc.Arbitrary<Case> = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 })
  .chain((shape) =>
    fc.nat({ max: shape.length - 1 }).chain((before) =>
      fc.integer({ min: 1, max: shape.length - before }).chain((covered) =>
        mask(shape.slice(before, before + covered)).map((index) => ({
          shape,
          indices: [
            ...shape.slice(0, before).map((): ModelIndex => ({ kind: 'slice', start: null, stop: null, step: null })),
            index,
          ],
        })),
      ),
    ),
  );

/** A tensor of the shape with values 0, 1, 2 … whose memory is laid out in another way. */
function laidOut(shape: readonly number[], layout: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const plain = arange(count, { dtype: 'float32' }).view(shape);
  if (layout === 1) return plain.transpose(0, -1).contiguous().transpose(0, -1);
  if (layout === 2) {
    const padded = zeros([...shape.slice(0, -1), 2 * shape.at(-1)! + 1]);
    return padded.at('...', slice(1, null, 2)).copy_(plain);
  }
  return plain;
}

const flat = (x: Tensor): number[] => Array.from(x.toTypedArraySync() as Float32Array);

describe('indexing against a naive model', () => {
  it.each([
    ['indices', indexCase],
    ['masks', maskCase],
  ] as const)('at: %s', (_, cases) => {
    fc.assert(
      fc.property(cases, fc.nat({ max: 2 }), fc.boolean(), ({ shape, indices }, layout, asText) => {
        const result = laidOut(shape, layout).at(...indices.map((index) => written(index, asText)));
        const named = nameElements(shape, indices);
        expect(result.shape).toEqual(named.shape);
        expect(flat(result)).toEqual(named.positions);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['indices', indexCase],
    ['masks', maskCase],
  ] as const)('set: %s', (_, cases) => {
    fc.assert(
      fc.property(cases, fc.nat({ max: 2 }), fc.nat({ max: 2 }), ({ shape, indices }, layout, form) => {
        const x = laidOut(shape, layout);
        const expected = flat(x);
        const { shape: named, positions } = nameElements(shape, indices);
        // Where a place is named twice, which value it gets is unspecified: then all values are equal.
        const repeats = new Set(positions).size < positions.length;
        const full = arange(positions.length, { dtype: 'float32' })
          .add(100)
          .view([...named]);
        const value = repeats || form === 0 ? -1 : form === 1 ? full : full.unsqueeze(0);
        positions.forEach((position, i) => {
          expected[position] = value === -1 ? -1 : 100 + i;
        });
        x.set(
          indices.map((index) => written(index, form === 1)),
          value,
        );
        expect(flat(x)).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });
});
