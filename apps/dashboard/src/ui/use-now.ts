import { useSyncExternalStore } from "react";

const TICK_MS = 1_000;

let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** The time, by one clock for the whole page, so that no two places disagree; it moves once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, readNow);
}

/** The time for as long as something is open; after that its end, and no clock wakes whoever shows it. */
export function useNowUntil(endMs: number | undefined): number {
  return useSyncExternalStore(
    endMs === undefined ? subscribe : neverChanges,
    () => endMs ?? readNow(),
  );
}

function neverChanges(): () => void {
  return () => {};
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function readNow(): number {
  // Nobody was listening, so nothing moved the clock.
  if (timer === undefined) nowMs = Date.now();
  return nowMs;
}

function tick(): void {
  if (document.hidden) return;
  nowMs = Date.now();
  for (const listener of listeners) listener();
}
