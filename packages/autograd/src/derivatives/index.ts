/** @file The derivatives of all recorded ops, one line for each family. A missing rule is a type error here. */

import type { RecordedOp } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';
import { attentionRules } from './attention.ts';
import { complexRules } from './complex.ts';
import { convRules } from './conv.ts';
import { convertRules, copyRules } from './copy.ts';
import { ctcRules } from './ctc-loss.ts';
import { embeddingRules } from './embedding.ts';
import { fftRules } from './fft.ts';
import { gatherRules } from './gather.ts';
import { indexRules } from './index-ops.ts';
import { joinRules } from './join.ts';
import { linalgRules } from './linalg.ts';
import { factorRules } from './linalg-factors.ts';
import { lossRules } from './loss.ts';
import { maskRules } from './masks.ts';
import { matmulRules } from './matmul.ts';
import { matmulSumRules } from './matmul-sums.ts';
import { normalizationRules } from './normalization.ts';
import { patchRules } from './patches.ts';
import { poolRules } from './pool.ts';
import { randomRules } from './random.ts';
import { rearrangeRules } from './rearrange.ts';
import { reduceRules } from './reduce.ts';
import { scanRules } from './scan.ts';
import { scatterRules } from './scatter.ts';
import { softmaxRules } from './softmax.ts';
import { statisticsRules } from './statistics.ts';
import { splittingRules, stridedRules, viewPieceRules, viewRules } from './views.ts';

export const rules: Rules<RecordedOp> = {
  ...attentionRules,
  ...complexRules,
  ...convRules,
  ...convertRules,
  ...copyRules,
  ...embeddingRules,
  ...fftRules,
  ...gatherRules,
  ...indexRules,
  ...joinRules,
  ...linalgRules,
  ...factorRules,
  ...lossRules,
  ...maskRules,
  ...matmulRules,
  ...matmulSumRules,
  ...normalizationRules,
  ...patchRules,
  ...ctcRules,
  ...poolRules,
  ...randomRules,
  ...rearrangeRules,
  ...reduceRules,
  ...scanRules,
  ...scatterRules,
  ...softmaxRules,
  ...splittingRules,
  ...statisticsRules,
  ...stridedRules,
  ...viewPieceRules,
  ...viewRules,
};
