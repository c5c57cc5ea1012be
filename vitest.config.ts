import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['web/**/*.test.ts', 'web/**/*.test.tsx', 'e2e/**/*.test.ts'],
    testTimeout: 30_000,
  },
});
