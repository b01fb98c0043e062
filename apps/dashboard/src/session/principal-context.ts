import type { Principal } from "@downbeat/contract";
import { createContext, useContext } from "react";

export const PrincipalContext = createContext<Principal | undefined>(undefined);

/** Who is signed in. */
export function usePrincipal(): Principal {
  const principal = useContext(PrincipalContext);
  if (principal === undefined) throw new Error("usePrincipal() is used outside of <SignedIn>.");
  return principal;
}
