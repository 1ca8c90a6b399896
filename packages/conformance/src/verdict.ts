/** @file What a case came to. */

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly reason: string }
  /** Outside the question: a dtype that the device lacks, values that PyTorch does not promise. */
  | { readonly kind: 'notApplicable'; readonly reason: string }
  /** Differs from PyTorch by decision, see known-gaps.ts. */
  | { readonly kind: 'knownGap'; readonly reason: string };

export const passed: Verdict = { kind: 'passed' };
export const failed = (reason: string): Verdict => ({ kind: 'failed', reason });
export const notApplicable = (reason: string): Verdict => ({ kind: 'notApplicable', reason });

/** Cases passed but for a difference that `reason` describes. */
export const verdictOf = (difference: string | null): Verdict => (difference === null ? passed : failed(difference));

export const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
