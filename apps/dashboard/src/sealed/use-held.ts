import { useState } from "react";
import type { Opened } from "./use-opened.ts";

/**
 * The value that was open before, for as long as a newer one is being opened: what changes every second must not flicker.
 * Locked or failed, nothing of it stays behind.
 */
export function useHeld<T>(newest: Opened<T>): Opened<T> {
  const [held, setHeld] = useState<Opened<T>>();
  const next = newest.status === "opening" ? held : newest.status === "opened" ? newest : undefined;
  // During rendering, as React has it for state that follows a prop: no frame shows the old one for the new.
  if (next !== held) setHeld(next);
  return newest.status === "opening" && held !== undefined ? held : newest;
}
