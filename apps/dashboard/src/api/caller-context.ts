import type { Caller } from "@downbeat/client/caller";
import { createContext, useContext } from "react";

export const CallerContext = createContext<Caller | undefined>(undefined);

/** The client of whoever is signed in. */
export function useCaller(): Caller {
  const caller = useContext(CallerContext);
  if (caller === undefined) throw new Error("useCaller() is used outside of <SignedIn>.");
  return caller;
}
