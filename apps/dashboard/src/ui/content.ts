/** Where a page begins, behind what all pages share. */
export const CONTENT_ID = "content";

/** Puts the focus there when what had it is gone, so that neither keyboard nor screen reader starts over at the top. */
export function focusContent(): void {
  document.getElementById(CONTENT_ID)?.focus({ preventScroll: true });
}
