/** @file The derivatives of all recorded ops, one line for each family. A missing rule is a type error here. */
import type { RecordedOp } from '@flambeau/tensor';
import type { Rules } from '../rule.ts';
import { convRules } from './conv.ts';
import { convertRules, copyRules } from './copy.ts';
import { matmulRules } from './matmul.ts';
import { poolRules } from './pool.ts';
import { reduceRules } from './reduce.ts';
import { softmaxRules } from './softmax.ts';

export const rules: Rules<RecordedOp> = {
  ...convRules,
  ...convertRules,
  ...copyRules,
  ...matmulRules,
  ...poolRules,
  ...reduceRules,
  ...softmaxRules,
};
