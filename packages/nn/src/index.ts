/** @file The public face of @flambeau/nn. */
export { Buffer, functional, functional as F, Parameter } from '@flambeau/tensor';
export * from './activation.ts';
export * from './containers.ts';
export * from './conv.ts';
export * from './dropout.ts';
export * from './flatten.ts';
export * as init from './init.ts';
export * from './linear.ts';
export * from './loss.ts';
export { Module } from './module.ts';
export * from './normalization.ts';
export * from './pooling.ts';
export * as utils from './utils/index.ts';
