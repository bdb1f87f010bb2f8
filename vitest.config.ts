import { defineConfig } from 'vitest/config';

const real = {
  environment: 'node' as const,
  testTimeout: 120_000,
  hookTimeout: 180_000,
  fileParallelism: false,
  // Real kernels under load: a second try is shown in the report, a third is not needed.
  retry: process.env.CI ? 2 : 0,
};
export default defineConfig({
  test: {
    // By default one core is left idle, which on two cores is half of them.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/server/src/**/*.test.ts',
            'apps/web/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/out/**', '**/.next/**'],
          testTimeout: 20_000,
        },
      },
      { test: { name: 'host', include: ['test/host/**/*.test.ts'], ...real } },
      { test: { name: 'incus', include: ['test/incus/**/*.test.ts'], ...real } },
    ],
  },
});
