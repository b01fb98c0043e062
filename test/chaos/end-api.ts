import { untilGone, type StartedApi } from "./chaos-plane.ts";

/** Ends an API process. One that was asked to, with SIGTERM, has to end well: what it did instead is returned. */
export async function endApi(
  { process: running }: StartedApi,
  signal: "SIGTERM" | "SIGKILL",
): Promise<string[]> {
  const { child } = running;
  child.kill(signal);
  await untilGone(running);
  if (signal === "SIGKILL" || child.exitCode === 0) return [];
  return [`an API asked to stop ended with ${child.exitCode}: ${running.stderr()}`];
}
