/** Where a task run's bar stands within the run's time, in percent. */
export type TaskBar = { readonly leftPercent: number; readonly widthPercent: number };

/** So that a task of a millisecond in a run of an hour can still be seen. */
const NARROWEST_PERCENT = 0.6;

/** @returns undefined for a task run that has not begun, or a run that took no time at all. */
export function taskBar(
  taskRun: { readonly startedAt: string | null; readonly endedAt: string | null },
  run: { readonly startMs: number; readonly endMs: number },
): TaskBar | undefined {
  const spanMs = run.endMs - run.startMs;
  if (taskRun.startedAt === null || spanMs <= 0) return undefined;
  const startMs = Date.parse(taskRun.startedAt);
  const endMs = taskRun.endedAt === null ? run.endMs : Date.parse(taskRun.endedAt);
  const percent = (ms: number) => Math.min(100, Math.max(0, (ms / spanMs) * 100));
  const leftPercent = Math.min(percent(startMs - run.startMs), 100 - NARROWEST_PERCENT);
  const widthPercent = Math.max(NARROWEST_PERCENT, percent(endMs - startMs));
  return { leftPercent, widthPercent: Math.min(widthPercent, 100 - leftPercent) };
}
