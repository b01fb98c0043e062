import type { Run } from "@downbeat/contract";
import { useMemo } from "react";
import { useNowUntil } from "../ui/use-now.ts";

export type RunSpan = { readonly startMs: number; readonly endMs: number };

/** From when to when the bars of task runs are drawn; a live run grows. */
export function useRunSpan({ startedAt, endedAt, createdAt }: Run): RunSpan {
  const startMs = Date.parse(startedAt ?? createdAt);
  const endMs = useNowUntil(endedAt === null ? undefined : Date.parse(endedAt));
  return useMemo(() => ({ startMs, endMs: Math.max(startMs, endMs) }), [startMs, endMs]);
}
