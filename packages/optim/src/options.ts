/** @file Checks that the optimizers share, and options that PyTorch has for its own kernels' sake. */

/** @throws RangeError naming the option, unless `valid`. */
export function expect(valid: boolean, owner: string, option: string, expected: string, got: unknown): void {
  if (!valid)
    throw new RangeError(
      `${owner}: ${option} must be ${expected}, got ${Array.isArray(got) ? `[${got.join(', ')}]` : String(got)}`,
    );
}

/** @throws RangeError for a value below 0 or NaN. */
export function expectNotNegative(owner: string, values: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(values)) expect(value >= 0, owner, option, 'at least 0', value);
}

/** Exponential decay rates of moments. */
export type Betas = readonly [beta1: number, beta2: number];

/** @throws RangeError for a rate outside [0, 1). */
export function expectBetas(owner: string, betas: Betas): void {
  expect(Array.isArray(betas) && betas.length === 2, owner, 'betas', 'two numbers', betas);
  betas.forEach((beta, i) => {
    expect(beta >= 0 && beta < 1, owner, `betas[${i}]`, 'in [0, 1)', beta);
  });
}

/** Choices among PyTorch's implementations. They are kept in the state dict and change nothing here. */
export interface ImplementationOptions {
  foreach?: boolean | null | undefined;
  capturable?: boolean | undefined;
  differentiable?: boolean | undefined;
  fused?: boolean | null | undefined;
}
