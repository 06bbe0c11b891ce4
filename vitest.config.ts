import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// Workspace packages are resolved to their TypeScript sources, so the tests need no build.
const conditions = ["tributary-source", "module", "node"];

const INCLUDE = ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tests/**/*.test.ts"];
/** Tests that put something in the place of a module. */
const MOCKING = ["packages/server/test/{maintenance,revision-restarts,revision-crashes}.test.ts"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    projects: [
      {
        extends: true,
        // Files of one process share the modules they import: half of the time of small files is importing. So no test may
        // leave anything behind in a module.
        test: { name: "shared", isolate: false, include: INCLUDE, exclude: MOCKING },
      },
      { extends: true, test: { name: "isolated", include: MOCKING } },
    ],
    // All cores: vitest leaves one free by default, which is half of a machine with two.
    maxWorkers: availableParallelism(),
  },
});
