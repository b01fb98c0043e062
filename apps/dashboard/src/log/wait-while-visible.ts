/** Resolves after the time, and then not before the page is visible: a hidden tab asks for nothing. An abort ends the wait. */
export async function waitWhileVisible(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
  if (!document.hidden || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const once = new AbortController();
    const done = () => (once.abort(), resolve());
    document.addEventListener("visibilitychange", done, { signal: once.signal });
    signal.addEventListener("abort", done, { signal: once.signal });
  });
}
