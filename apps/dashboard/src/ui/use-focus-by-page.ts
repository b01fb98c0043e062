import { useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { focusContent } from "./content.ts";

/** Puts the focus on the content when another page was opened: the link that was followed is no longer there. */
export function useFocusByPage(): void {
  const pathname = useLocation({ select: (location) => location.pathname });
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current !== pathname) focusContent();
    shown.current = pathname;
  }, [pathname]);
}
