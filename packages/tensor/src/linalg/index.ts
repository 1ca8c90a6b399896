/** @file The namespace `linalg`. */
export * from './norms.ts';
export * from './products.ts';
