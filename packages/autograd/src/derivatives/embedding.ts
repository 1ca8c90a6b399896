/** @file The derivative of looking rows up in a table. */
import { onesLike } from '@flambeau/tensor';
import type { EmbeddingOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';
import { zerosFor } from './zeros.ts';

export const embeddingRules = {
  embedding: {
    save: ({ inputs }) => [inputs[1]],
    backward: ({ inputs, attributes: { paddingIdx, scaleGradByFreq }, saved: [input] }, grad) => {
      const table = inputs[0]!;
      const index = input!.reshape(-1);
      let rows = grad.reshape(index.elementCount, table.shape[1]!);
      if (scaleGradByFreq) {
        const counts = zerosFor({ ...table, shape: [table.shape[0]!] }).indexAdd(
          0,
          index,
          onesLike(index, { dtype: table.dtype }),
        );
        rows = rows.div(counts.indexSelect(0, index).unsqueeze(1));
      }
      const slope = zerosFor(table).indexAdd_(0, index, rows);
      if (paddingIdx !== null) slope.at(paddingIdx).zero_();
      return [slope];
    },
  },
} satisfies Rules<keyof EmbeddingOps>;
