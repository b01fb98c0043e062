import { readFile } from "node:fs/promises";
import { z } from "zod";

const Line = z.object({
  what: z.enum(["start", "finish"]),
  runId: z.string(),
  epoch: z.number(),
  pid: z.number(),
  atMs: z.number(),
});

/** One time that user code ran, as the user's code itself recorded it. */
export type Execution = {
  readonly runId: string;
  readonly epoch: number;
  readonly startedAtMs: number;
  /** Null: it did not get to its end. */
  readonly finishedAtMs: number | null;
};

/** Reads the file that the flows append to; one that nobody has written yet is empty. */
export async function readExecutions(path: string): Promise<Execution[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Line.parse(JSON.parse(line)));
  const finishes = new Map(
    lines.flatMap((line) => (line.what === "finish" ? [[keyOf(line), line.atMs] as const] : [])),
  );
  return lines.flatMap((line) => {
    if (line.what === "finish") return [];
    const { runId, epoch, atMs: startedAtMs } = line;
    return [{ runId, epoch, startedAtMs, finishedAtMs: finishes.get(keyOf(line)) ?? null }];
  });
}

// With the process id: a second execution of the same attempt must not pass for the first.
function keyOf({ runId, epoch, pid }: z.infer<typeof Line>): string {
  return `${runId} ${epoch} ${pid}`;
}
