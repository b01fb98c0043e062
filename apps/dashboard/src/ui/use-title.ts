import { useEffect } from "react";

/** Sets the tab's title: what matters first, since tabs are narrow. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Downbeat`;
  }, [title]);
}
