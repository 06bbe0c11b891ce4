import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// Workspace packages are resolved to their TypeScript sources, so the tests need no build.
const conditions = ["tributary-source", "module", "node"];

const INCLUDE = [
  "packages/*/test/**/*.test.ts",
  "apps/*/test/**/*.test.ts",
  "benchmarks/test/**/*.test.ts",
  "tests/**/*.test.ts",
];
/** Tests that put something in the place of a module, or measure what their process takes. */
const ALONE = [
  "packages/core/test/pages/announced-size.test.ts",
  "packages/protocol-libsql/test/memory.test.ts",
  "packages/server/test/{commits,maintenance,revision-crashes,revision-restarts}.test.ts",
  "packages/transports/test/frames.test.ts",
  "tests/integration/streams-links.test.ts",
];

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
        test: { name: "shared", isolate: false, include: INCLUDE, exclude: ALONE },
      },
      { extends: true, test: { name: "isolated", include: ALONE } },
    ],
    // All cores: vitest leaves one free by default, which is half of a machine with two.
    maxWorkers: availableParallelism(),
  },
});
