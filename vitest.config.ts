import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// Workspace packages are resolved to their TypeScript sources, so the tests need no build.
const conditions = ["tributary-source", "module", "node"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tests/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    // Files of one process share the modules they import: half of the time of small files is importing. So no test may leave
    // anything behind in a module.
    isolate: false,
    // All cores: vitest leaves one free by default, which is half of a machine with two.
    maxWorkers: availableParallelism(),
  },
});
