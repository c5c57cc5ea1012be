import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../node_modules/.vite/e2e',
  test: {
    include: ['**/*.test.ts'],
    // A busy machine is no failure: what is waited for comes, or a wait of its own gives up long before.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // As patient as the waiting for what stands in a page.
    expect: { poll: { timeout: 30_000 } },
    // Each file has a browser, and each test a server, of its own.
    fileParallelism: false,
    // A fault of the product fails twice. What fails once, on a machine that others use too, is named in the report.
    retry: process.env.CI ? 1 : 0,
    reporters: ['default', './report.ts'],
  },
});
