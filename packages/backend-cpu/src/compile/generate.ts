/** @file Turns generated source into functions, where the host allows it. */
import { environment } from './functions.ts';

let allowed: boolean | undefined;

/** Whether code generation may be used: `FLAMBEAU_CODEGEN=off` and content security policies forbid it. */
export function mayGenerate(): boolean {
  if (allowed === undefined) {
    try {
      const off = typeof process !== 'undefined' && process.env?.FLAMBEAU_CODEGEN === 'off';
      allowed = !off && new Function('return 1')() === 1;
    } catch {
      allowed = false;
    }
  }
  return allowed;
}

/** Switches code generation off or back on, for tests. */
export function setCodeGeneration(on: boolean | undefined): void {
  allowed = on;
}

/** The function that `source` (`(parameters) => …` or a function expression) evaluates to. */
export function generate<F>(source: string): F {
  const names = Object.keys(environment);
  return new Function(...names, `'use strict'; return ${source};`)(...names.map((name) => environment[name])) as F;
}
