import { createHash } from "node:crypto";
import { currentFrame, type Frame } from "../frame.ts";
import type { RunScope } from "../run-scope.ts";

/** A call in a flow that triggers a run. */
export type TriggerPlace = {
  readonly scope: RunScope;
  /** The run around the call as the plane knows it; undefined when it knows none. */
  readonly parentRunId: string | undefined | Promise<string | undefined>;
  /**
   * The id of the run that this call triggers: the same whenever the flow's code comes to this call again, in a later
   * attempt or another process, and another for every call. Generation 0 is the first run of the call, 1 the one after
   * that ended badly. It is made of what the plane sees anyway.
   */
  readonly runIdOf: (parentRunId: string, generation: number) => string;
  /** Whether this code may have made the call before. */
  readonly isLaterAttempt: boolean;
};

/** Where in a flow this call is; undefined outside one that is recorded. Counts: ask once for each call. */
export function triggerPlace(target: string): TriggerPlace | undefined {
  const frame = currentFrame();
  const scope = frame?.scope;
  if (frame === undefined || scope?.host === undefined) return undefined;
  const place = placeOf(frame, scope);
  const attempt = `${frame.flowAttempt} ${frame.task?.attempt ?? 0}`;
  const count = scope.nextIndex(`trigger ${attempt} ${place} ${target}`);
  return {
    scope,
    parentRunId: parentOf(scope),
    runIdOf: (parentRunId, generation) => {
      const text = JSON.stringify([parentRunId, place, target, count, generation]);
      return runIdBeside(parentRunId, createHash("sha256").update(text).digest("hex"));
    },
    isLaterAttempt: frame.flowAttempt > 1 || (frame.task?.attempt ?? 1) > 1,
  };
}

function parentOf({ host, run }: RunScope): TriggerPlace["parentRunId"] {
  if (host?.recordedRunId !== undefined) return host.recordedRunId;
  return host?.remote === undefined ? undefined : run.runId;
}

// Counted within the attempt: a later process, which begins again, comes to the same number.
function placeOf({ task }: Frame, scope: RunScope): string {
  return task === undefined ? "" : `${task.run.taskName} ${scope.indexInAttempt(task.run)}`;
}

/** A UUID of version 7 with the time of another one and the rest of a digest, so that it sorts beside its parent. */
function runIdBeside(parentRunId: string, digest: string): string {
  const [high = "", low = ""] = parentRunId.split("-");
  const variant = ((Number.parseInt(digest.slice(3, 4), 16) & 3) | 8).toString(16);
  return `${high}-${low}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}
