/** @file The derivatives of all recorded ops, one line for each family. A missing rule is a type error here. */
import type { RecordedOp } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { convertRules, copyRules } from './copy.ts';
import { reduceRules } from './reduce.ts';
import { softmaxRules } from './softmax.ts';

export const rules: Rules<RecordedOp> = {
  ...convertRules,
  ...copyRules,
  ...reduceRules,
  ...softmaxRules,
};
