import { defineConfig } from 'vitest/config';

// Tests run from source: packages are found through the condition that only this workspace uses.
const conditions = ['flambeau-source'];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.browser.test.ts', '**/*.gpu.test.ts'],
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'gpu',
          include: [
            'packages/*/test/**/*.gpu.test.ts',
            'apps/*/test/**/*.gpu.test.ts',
            'scripts/test/**/*.gpu.test.ts',
          ],
          testTimeout: 60_000,
          // A software adapter uses all cores by itself.
          fileParallelism: false,
        },
      },
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'browser',
          include: ['packages/*/test/**/*.browser.test.ts', 'apps/*/test/**/*.browser.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
