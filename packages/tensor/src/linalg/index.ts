/** @file The namespace `linalg`. */
export * from './norms.ts';
