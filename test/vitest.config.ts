import { fileURLToPath } from "node:url";
import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));

// `source` first: tests run the TypeScript they stand beside, never a stale `dist`.
// `module` is a bundler's condition: what some packages offer under it, Node cannot load.
const conditions = ["source", ...defaultServerConditions.filter((name) => name !== "module")];
const resolve = { conditions };
const ssr = { resolve };

const twoMinutesMs = 120_000;

export default defineConfig({
  root,
  resolve,
  ssr,
  test: {
    // Two cores are the smallest machine this is meant to pass on; more workers only make deadlines lie.
    maxWorkers: 2,
    passWithNoTests: false,
    projects: [
      {
        root,
        resolve,
        ssr,
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.{ts,tsx}",
            "apps/examples/flows/**/*.test.ts",
            "test/bench/**/*.test.ts",
            "test/package/**/*.test.ts",
            "test/simulation/**/*.test.ts",
          ],
          testTimeout: 15_000,
          hookTimeout: 60_000,
          // Loading the same modules anew for each of 160 files took a third of the time; a test that leaves something behind
          // in a module fails here for whoever comes after it.
          isolate: false,
        },
      },
      {
        root,
        resolve,
        ssr,
        test: {
          name: "architecture",
          include: ["test/architecture/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        root,
        resolve,
        ssr,
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/postgres.global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: twoMinutesMs,
          isolate: false,
        },
      },
      {
        // These spawn built processes from `dist`.
        root,
        resolve,
        ssr,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/boundary/**/*.test.ts"],
          globalSetup: ["test/postgres.global-setup.ts", "test/chromium.global-setup.ts"],
          testTimeout: twoMinutesMs,
          hookTimeout: twoMinutesMs,
          isolate: false,
        },
      },
      {
        // These measure deadlines of real processes, so nothing else runs meanwhile, and only two of them at a time.
        root,
        resolve,
        ssr,
        test: {
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          globalSetup: ["test/postgres.global-setup.ts"],
          fileParallelism: false,
          maxConcurrency: 2,
          sequence: { groupOrder: 1 },
          testTimeout: twoMinutesMs,
          hookTimeout: twoMinutesMs,
        },
      },
    ],
  },
});
