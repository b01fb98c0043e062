import { Id } from "@downbeat/contract";
import type { RunMessage } from "@downbeat/sdk/protocol";
import { z } from "zod";

/**
 * What it takes to call the `onCrashed` hooks of a run whose process is gone. It is kept on disk for a successor of this
 * agent, so it holds nothing that arrived sealed.
 */
export const CrashCall = z.object({
  runId: Id,
  epoch: z.int(),
  attempt: z.int(),
  flowName: z.string(),
  deployment: z.string().exactOptional(),
  workspaceId: z.string().exactOptional(),
  modulePath: z.string(),
  exportName: z.string(),
  capturesConsole: z.boolean().exactOptional(),
  traceparent: z.string().exactOptional(),
});
export type CrashCall = z.infer<typeof CrashCall>;

/** Of the run that this message starts. */
export function crashCallOf(message: RunMessage): CrashCall {
  return CrashCall.parse(message);
}
