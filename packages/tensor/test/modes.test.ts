import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  type ModeGuard,
  noGrad,
  ones,
  setGradEnabled,
} from '@flambeau/tensor';
import { state } from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { currentMode, detached, openMode, untracked } from '../src/modes.ts';

afterEach(() => {
  expect(state.modes).toBeNull();
  expect(isGradEnabled()).toBe(true);
});

/** A promise and the function that fulfils it. */
function gate(): [Promise<void>, () => void] {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [promise, open];
}

describe('a function in a mode', () => {
  it('runs in it, and its value is handed on', () => {
    expect(noGrad(() => isGradEnabled())).toBe(false);
    expect(inferenceMode(() => isGradEnabled())).toBe(false);
    expect(setGradEnabled(false, () => isGradEnabled())).toBe(false);
    expect(noGrad(() => enableGrad(() => isGradEnabled()))).toBe(true);
    expect(noGrad(() => setGradEnabled(true, () => isGradEnabled()))).toBe(true);
    expect(noGrad(() => null)).toBeNull();
  });

  it('that throws closes it', () => {
    expect(() =>
      noGrad(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
  });

  it('decides whether results have a history', () => {
    const x = ones(2, { requiresGrad: true });
    expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
    expect(x.mul(2).requiresGrad).toBe(true);
  });

  it('stays open until its promise settles', async () => {
    const [started, proceed] = gate();
    const work = noGrad(async () => {
      await started;
      return isGradEnabled();
    });
    expect(isGradEnabled()).toBe(false);
    proceed();
    expect(await work).toBe(false);
    expect(isGradEnabled()).toBe(true);
  });

  it('closes when its promise is rejected', async () => {
    await expect(
      noGrad(async () => {
        await null;
        throw new Error('later');
      }),
    ).rejects.toThrow('later');
  });
});

describe('asynchronous scopes that overlap', () => {
  it('leave nothing behind, in whatever order they end', async () => {
    const [first, endFirst] = gate();
    const [second, endSecond] = gate();
    const a = noGrad(() => first);
    const b = enableGrad(() => second);
    expect(isGradEnabled()).toBe(true);
    endFirst();
    await a;
    expect(isGradEnabled()).toBe(true);
    endSecond();
    await b;
    const c = noGrad(() => first);
    await c;
  });

  it('the innermost that is open decides', async () => {
    const [first, endFirst] = gate();
    const [second, endSecond] = gate();
    const a = enableGrad(() => first);
    const b = noGrad(() => second);
    endFirst();
    await a;
    expect(isGradEnabled()).toBe(false);
    endSecond();
    await b;
  });
});

describe('guards', () => {
  it('close at the end of a block, and more than once harmlessly', () => {
    const outer = noGrad();
    const inner = enableGrad();
    expect(isGradEnabled()).toBe(true);
    inner[Symbol.dispose]();
    inner.close();
    expect(isGradEnabled()).toBe(false);
    const another = enableGrad();
    inner.close();
    expect(isGradEnabled()).toBe(true);
    another.close();
    outer.close();
    outer.close();
  });

  it('closed in any order, the innermost of those still open decides', () => {
    const script = fc.array(fc.oneof(fc.boolean(), fc.nat(10)), { maxLength: 40 });
    fc.assert(
      fc.property(script, (steps) => {
        const open: { guard: ModeGuard; value: boolean }[] = [];
        for (const step of steps) {
          if (typeof step === 'boolean') open.push({ guard: setGradEnabled(step), value: step });
          else if (open.length > 0) open.splice(step % open.length, 1)[0]!.guard.close();
          expect(isGradEnabled()).toBe(open.at(-1)?.value ?? true);
        }
        for (const { guard } of open) guard.close();
        expect(state.modes).toBeNull();
      }),
    );
  });

  it('of other kinds do not touch gradients', () => {
    const guard = openMode('autocast', 'bfloat16');
    expect(currentMode('autocast', 'off')).toBe('bfloat16');
    expect(isGradEnabled()).toBe(true);
    guard.close();
    expect(currentMode('autocast', 'off')).toBe('off');
  });
});

describe('the library’s own work', () => {
  it('sees default modes, and leaves the user’s open', () => {
    noGrad(() => {
      expect(detached(() => isGradEnabled())).toBe(true);
      expect(isGradEnabled()).toBe(false);
      expect(() => detached(() => JSON.parse('{'))).toThrow(SyntaxError);
      expect(isGradEnabled()).toBe(false);
    });
  });

  it('may close a mode that was opened outside', () => {
    const outer = noGrad();
    detached(() => outer.close());
    expect(isGradEnabled()).toBe(true);
  });

  it('may leave a mode open', () => {
    const outer = enableGrad();
    const inner = detached(() => noGrad());
    expect(isGradEnabled()).toBe(false);
    outer.close();
    expect(isGradEnabled()).toBe(false);
    inner.close();
  });

  it('untracked records nothing', () => {
    expect(untracked(() => isGradEnabled())).toBe(false);
    expect(() => untracked(() => JSON.parse('{'))).toThrow(SyntaxError);
  });
});
