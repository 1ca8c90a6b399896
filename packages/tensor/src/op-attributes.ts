/**
 * @file The names of all ops that record themselves, with the attributes that their derivatives get. autograd's table
 * has a rule for each: a forgotten one does not compile.
 */
import type { ComplexPartOps } from './complex-parts.ts';
import type { FftOps } from './fft/transforms.ts';
import type { AttentionOps } from './functional/attention.ts';
import type { ConvOps } from './functional/conv.ts';
import type { CtcOps } from './functional/ctc-loss.ts';
import type { EmbeddingOps } from './functional/embedding.ts';
import type { LossOps } from './functional/loss.ts';
import type { NormalizationOps } from './functional/normalizing.ts';
import type { PatchOps } from './functional/patches.ts';
import type { PoolOps } from './functional/pool.ts';
import type { LinalgOps } from './linalg/ops.ts';
import type { ConvertOps } from './ops/convert.ts';
import type { CopyOps } from './ops/copy.ts';
import type { GatherOps } from './ops/gather.ts';
import type { IndexOps } from './ops/index-ops.ts';
import type { JoinOps } from './ops/join.ts';
import type { MaskOps } from './ops/masks.ts';
import type { MatmulOps } from './ops/matmul.ts';
import type { MatmulSumOps } from './ops/matmul-sums.ts';
import type { RearrangeOps } from './ops/rearrange.ts';
import type { ReduceOps } from './ops/reduce.ts';
import type { ScanOps } from './ops/scan.ts';
import type { ScatterOps } from './ops/scatter.ts';
import type { SoftmaxOps } from './ops/softmax.ts';
import type { SplittingOps } from './ops/splitting.ts';
import type { StatisticsOps } from './ops/statistics.ts';
import type { StridedOps } from './ops/strided.ts';
import type { ViewOps } from './ops/views.ts';
import type { RandomOps } from './random/draw.ts';
import type { ViewPieceOps } from './view.ts';

export interface OpAttributes
  extends AttentionOps,
    ComplexPartOps,
    ConvertOps,
    ConvOps,
    CopyOps,
    EmbeddingOps,
    FftOps,
    GatherOps,
    IndexOps,
    JoinOps,
    LinalgOps,
    LossOps,
    MaskOps,
    MatmulOps,
    MatmulSumOps,
    NormalizationOps,
    PatchOps,
    CtcOps,
    PoolOps,
    RandomOps,
    RearrangeOps,
    ReduceOps,
    ScatterOps,
    ScanOps,
    StatisticsOps,
    SoftmaxOps,
    SplittingOps,
    StridedOps,
    ViewOps,
    ViewPieceOps {}
