import type { Run } from "@downbeat/contract";
import { useNow } from "../ui/use-now.ts";

export type RunSpan = { readonly startMs: number; readonly endMs: number };

/** From when to when the bars of task runs are drawn; a live run grows. */
export function useRunSpan({ startedAt, endedAt, createdAt }: Run): RunSpan {
  const nowMs = useNow();
  const startMs = Date.parse(startedAt ?? createdAt);
  return { startMs, endMs: endedAt === null ? Math.max(nowMs, startMs) : Date.parse(endedAt) };
}
