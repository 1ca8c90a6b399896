/** Datasets, samplers, collation and DataLoader: what PyTorch has in `torch.utils.data`. */
export { type Collated, defaultCollate } from './collate.ts';
export {
  ConcatDataset,
  Dataset,
  type DatasetLike,
  IterableDataset,
  type StreamDataset,
  Subset,
  TensorDataset,
} from './dataset.ts';
export { DataLoader, type DataLoaderOptions } from './loader.ts';
export {
  BatchSampler,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './sampler.ts';
export { randomSplit } from './split.ts';
