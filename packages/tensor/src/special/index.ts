/** @file The namespace `special`: PyTorch's torch.special, with the second names that functions have there. */
export { sigmoid as expit } from '../ops/activation.ts';
export { exp2, expm1, log1p } from '../ops/math.ts';
export { round } from '../ops/rounding.ts';
export { logSoftmax, softmax } from '../ops/softmax.ts';
export { digamma, digamma as psi, erf, erfc, erfinv, lgamma as gammaln, logit, xlogy } from '../ops/special.ts';
export { logsumexp } from '../ops/statistics.ts';
export { sinc } from '../ops/trigonometry.ts';
export * from './bessel.ts';
export * from './error.ts';
export { igamma as gammainc, igammac as gammaincc, mvlgamma as multigammaln, polygamma, zeta } from './gamma.ts';
export * from './polynomials.ts';
