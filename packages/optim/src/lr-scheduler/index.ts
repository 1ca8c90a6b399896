/** @file torch.optim.lr_scheduler. */
export * from './composite.ts';
export * from './cosine.ts';
export * from './cyclic.ts';
export * from './plateau.ts';
export { LRScheduler, type Scheduler, type SchedulerState } from './scheduler.ts';
export * from './steps.ts';
export * from './swa.ts';
