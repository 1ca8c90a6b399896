/** @file Types of constructor arguments: positional in PyTorch's order, trailing options, or everything by name. */
import type { DType, DTypeAlias } from '@flambeau/tensor';
import type { Trailing } from '@flambeau/tensor/internal';

/**
 * `Arguments<[inFeatures: number, outFeatures: number], [bias: boolean], Names, Options>` accepts `(3, 4)`,
 * `(3, 4, false)`, `(3, 4, { bias: false })` and `({ inFeatures: 3, outFeatures: 4, bias: false })`.
 */
export type Arguments<
  Required extends unknown[],
  Optional extends unknown[],
  Names extends object,
  Options extends object,
> = [...Required, ...Trailing<Optional, Options>] | [options: Names & Options];

/** Where and as what a layer's parameters are made. */
export interface Factory {
  dtype?: DType | DTypeAlias | undefined;
  device?: string | undefined;
}

/** The defaults of {@link Factory}, for signatures. */
export const factoryDefaults: Factory = { dtype: undefined, device: undefined };
