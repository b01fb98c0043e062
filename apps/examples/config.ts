import { fileURLToPath } from "node:url";

/** Where results are written: EXAMPLE_RESULTS_DIR, or `results/` in this project. Agents pass no DOWNBEAT_ variable on. */
export function resultsDirectory(): string {
  return process.env["EXAMPLE_RESULTS_DIR"] ?? fileURLToPath(new URL("results", import.meta.url));
}
