/** @file How much memory the page and its worker take, where the browser tells: in Chromium on an isolated page. */
import type { MemoryUse } from './protocol.ts';

/** A measurement may take seconds by itself. */
const pauseMs = 2000;

/** https://wicg.github.io/performance-measure-memory */
interface MeasuringPerformance extends Performance {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
}

let measured: MemoryUse | null = null;
let nextAt = 0;

/** The last measurement, or null; asks for another one now and then. */
export function pageMemory(): MemoryUse | null {
  const now = performance.now();
  if (!crossOriginIsolated || now < nextAt) return measured;
  nextAt = Infinity;
  const measurement = (performance as MeasuringPerformance).measureUserAgentSpecificMemory?.();
  measurement
    ?.then(({ bytes }) => {
      measured = { bytes, of: 'this page' };
      nextAt = performance.now() + pauseMs;
    })
    // Measuring is the browser's good will; without it the figure stays as it is.
    .catch(() => undefined);
  return measured;
}
