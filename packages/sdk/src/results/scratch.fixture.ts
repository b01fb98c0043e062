import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryStorage } from "../index.ts";

/** What each test has for itself. */
export type Scratch = {
  readonly directory: string;
  readonly storage: ReturnType<typeof directoryStorage>;
  /** What the functions under test note. */
  readonly calls: unknown[];
  readonly remove: () => void;
};

/** An empty directory with a storage on it. */
export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), "downbeat-scratch-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  return { directory, storage: directoryStorage(directory), calls: [], remove };
}
