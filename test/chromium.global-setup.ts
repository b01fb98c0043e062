import type { TestProject } from "vitest/node";
import { ensureChromium } from "./install-chromium.mjs";

declare module "vitest" {
  interface ProvidedContext {
    /** The Chromium or Chrome that page tests drive, for `inject("chromiumPath")`. */
    chromiumPath: string;
  }
}

/** Here rather than in the page test: an installation outlasts what a test worker may be silent for. */
export default function setup(project: TestProject): void {
  project.provide("chromiumPath", ensureChromium());
}
