/** @file useDeterministicAlgorithms. */
import { areDeterministicAlgorithmsEnabled, useDeterministicAlgorithms } from '@flambeau/tensor';
import { afterEach, describe, expect, it } from 'vitest';

afterEach(() => useDeterministicAlgorithms(false));

describe('useDeterministicAlgorithms', () => {
  it('is off until it is asked for, and can be switched off again', () => {
    expect(areDeterministicAlgorithmsEnabled()).toBe(false);
    useDeterministicAlgorithms(true);
    expect(areDeterministicAlgorithmsEnabled()).toBe(true);
    useDeterministicAlgorithms(true, { warnOnly: true });
    expect(areDeterministicAlgorithmsEnabled()).toBe(true);
    useDeterministicAlgorithms(false);
    expect(areDeterministicAlgorithmsEnabled()).toBe(false);
  });

  it('refuses what is no switch', () => {
    // @ts-expect-error not a boolean
    expect(() => useDeterministicAlgorithms(1)).toThrow(/must be true or false, got 1/);
    // @ts-expect-error a typo
    expect(() => useDeterministicAlgorithms(true, { warnonly: true })).toThrow(/did you mean 'warnOnly'/);
  });
});
