import { currentFrame } from "../frame.ts";
import { invalidArtifact, shortText, shownValue, showArtifact } from "./show.ts";

/**
 * Shows how far the code has come: one bar for the flow, and one for each run of a task, moved on with each call. Made for
 * tight loops: at most one version a second leaves the process. Sealed like every artifact.
 *
 * @param done How much is done, from 0.
 * @param total How much there is; left out when nobody knows.
 * @param label What is being done now.
 * @example
 * for (const [at, file] of files.entries()) {
 *   progress(at, files.length, file);
 *   await load(file);
 * }
 * progress(files.length, files.length);
 * @throws DownbeatError `artifact_invalid` when a number is negative or none.
 */
export function progress(done: number, total?: number, label?: string): void {
  checkAmount("done", done);
  if (total !== undefined) checkAmount("total", total);
  showArtifact({
    call: "progress",
    key: keyHere(),
    content: {
      type: "progress",
      done,
      total: total ?? null,
      ...(label !== undefined && { label: shortText(label) }),
    },
  });
}

function checkAmount(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw invalidArtifact(
    `progress() was given ${shownValue(value)} as \`${name}\`; it takes a number from 0`,
  );
}

function keyHere(): string {
  const run = currentFrame()?.task?.run;
  return run === undefined ? "progress" : `progress of ${run.taskName} #${run.index}`;
}
