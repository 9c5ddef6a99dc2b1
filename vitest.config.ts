import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.mjs'],
    // Only what hangs: tests that train take seconds on a quiet machine and minutes on a busy one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Two cores: more workers only make the embedded PostgreSQL servers wait for each other.
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary'] },
  },
});
