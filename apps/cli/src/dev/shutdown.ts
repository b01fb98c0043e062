import type { Output } from "../output.ts";
import type { KeptService } from "./kept-service.ts";

/** Resolves with the first Ctrl-C or SIGTERM. */
export function firstStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
    process.once("SIGHUP", () => resolve());
  });
}

/**
 * Stops the services one after the other: the agent first, so that it can still report what it finishes. A second
 * signal kills what is left.
 *
 * @returns false when it had to kill
 */
export async function stopInOrder(
  output: Output,
  services: readonly KeptService[],
): Promise<boolean> {
  let killed = false;
  const killAll = (): void => {
    killed = true;
    for (const service of services) service.kill();
  };
  process.once("SIGINT", killAll);
  process.once("SIGTERM", killAll);
  output.note("\nStopping: running flows may finish. Ctrl-C again kills them.");
  for (const service of services) await service.stop();
  output.note(killed ? "Killed." : "Stopped.");
  return !killed;
}
