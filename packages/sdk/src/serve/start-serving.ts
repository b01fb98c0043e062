import { parseProfile } from "../profile/parse-profile.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import { readSigners } from "../session/read-signers.ts";
import { registerServed } from "./register.ts";
import { ServeLoop } from "./serve-loop.ts";
import type { ServedFlow } from "./served-flow.ts";
import type { ServeOptions, Serving } from "./serve.ts";

/** Registers the flows, opens a session and takes runs. */
export async function startServing(
  source: ProfileSource,
  flows: readonly ServedFlow[],
  options: ServeOptions,
): Promise<Serving> {
  const { concurrency = 10, pool = "serve", drainSeconds = 30, inputSigners } = options;
  const signers = inputSigners === undefined ? undefined : await readSigners(inputSigners);
  const connection = await registerServed(parseProfile(source), flows, pool);
  const { client } = connection;
  const drain = new AbortController();
  const onDrain = (): void => drain.abort();
  const loop = new ServeLoop({ connection, flows, concurrency, onDrain, signers });
  await loop.start().catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  const serving = stoppable(async () => {
    await loop.stop(drainSeconds * 1_000);
    await client.close();
  }, options);
  whenAborted(drain.signal, () => void serving.stop());
  return serving;
}

function stoppable(halt: () => Promise<void>, { signal }: ServeOptions): Serving {
  let resolveStopped = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    resolveStopped = resolve;
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= halt().finally(forget));
  const onAsked = (): void => void stop();
  const forget = (): void => {
    process.off("SIGTERM", onAsked);
    process.off("SIGINT", onAsked);
    resolveStopped();
  };
  if (signal === undefined) {
    // Once: whoever asks a second time does not want to wait, and the process ends as it does by default.
    process.once("SIGTERM", onAsked);
    process.once("SIGINT", onAsked);
  } else whenAborted(signal, onAsked);
  return { stop, stopped };
}

function whenAborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener("abort", then, { once: true });
}
