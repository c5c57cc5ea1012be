import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../node_modules/.vite/e2e',
  test: {
    include: ['**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // As patient as the waiting for what stands in a page: a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
    // Each file has a server, and some a browser, of its own.
    fileParallelism: false,
    // A fault of the product fails twice. What fails once, on a machine that others use too, is named in the report.
    retry: process.env.CI ? 1 : 0,
  },
});
