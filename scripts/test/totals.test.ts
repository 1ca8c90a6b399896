import { describe, expect, it } from 'vitest';
import { countTests, type Report } from '../lib/totals.ts';

const clean: Report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1, testResults: [] };

describe('countTests', () => {
  it('counts todo tests as skipped', () => {
    expect(countTests(0, () => clean)).toEqual({ passed: 5, failed: 0, skipped: 2 });
  });

  it('counts a file that fails before its first test', () => {
    const testResults = [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{}] },
      { status: 'passed', assertionResults: [{}] },
    ];
    expect(countTests(1, () => ({ ...clean, numFailedTests: 1, testResults })).failed).toBe(2);
  });

  it('never reports a failed run as clean', () => {
    expect(countTests(1, () => clean).failed).toBe(1);
  });

  it('counts a run without a report as a failure', () => {
    const missing = () => {
      throw new Error('no such file');
    };
    expect(countTests(0, missing)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
