import { readFile } from "node:fs/promises";
import { glob } from "tinyglobby";
import { z } from "zod";

const Step = z.object({ runId: z.string(), epoch: z.number(), step: z.string(), pid: z.number() });

/** A task of the flow `chain` that was called, as it wrote down itself. */
export type Step = z.infer<typeof Step>;

/** Every call of a task so far, in order. */
export async function readSteps(path: string): Promise<Step[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => Step.parse(JSON.parse(line)));
}

const Result = z.object({ runId: z.string(), step: z.string() });

/** The tasks whose results lie in the storage, as `run step`. */
export async function readKept(directory: string): Promise<Set<string>> {
  const paths = await glob("runs/*/*/*", { cwd: directory, absolute: true, ignore: ["**/*.tmp"] });
  const kept = await Promise.all(
    paths.map(async (path) => {
      const [, body = ""] = (await readFile(path, "utf8")).split("\n", 2);
      return keyOf(Result.parse(JSON.parse(body)));
    }),
  );
  return new Set(kept);
}

export function keyOf({ runId, step }: Pick<Step, "runId" | "step">): string {
  return `${runId} ${step}`;
}
