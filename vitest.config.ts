import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores: more workers only make the embedded PostgreSQL servers wait for each other.
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary'] },
  },
});
