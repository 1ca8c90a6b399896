/**
 * @file Groups of the fixtures in which something still fails. One that passes must be taken off the list: the tests
 * fail until it is.
 */
export const pending: Readonly<Record<string, readonly string[]>> = {
  nn: [],
  ops: [],
  'ops-complex': [],
  optim: [],
  repr: [],
  rng: [],
};
