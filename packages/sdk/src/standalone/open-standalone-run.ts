import type { FlowSpec } from "../flow-spec.ts";
import { findProfile } from "../profile/read-profile.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import type { Recorder } from "./recorder.ts";
import { StandaloneRun } from "./standalone-run.ts";
import { warnOnce } from "./warn-once.ts";

/**
 * Begins to record a flow that a plain script calls, when a profile says where. Returns at once and never throws: the
 * script's own work comes first, recorded or not.
 */
export function openStandaloneRun(
  spec: FlowSpec,
  args: readonly unknown[],
): StandaloneRun | undefined {
  const source = profileInForce();
  if (source === undefined) return undefined;
  const parameters = spec.parameters === undefined ? { arguments: args } : (args[0] ?? {});
  return new StandaloneRun({
    recorder: recorderFor(source),
    flowName: spec.name,
    parameters,
    compressLogs: spec.compressLogs ?? true,
  });
}

let found: { readonly source: ProfileSource | undefined } | undefined;

// Looked for once: a script may call a flow in a tight loop.
function profileInForce(): ProfileSource | undefined {
  found ??= { source: findQuietly() };
  return found.source;
}

function findQuietly(): ProfileSource | undefined {
  try {
    return findProfile();
  } catch (error) {
    warnOnce("this run is not recorded", error);
    return undefined;
  }
}

let recorder: Promise<Recorder> | undefined;

// Imported only now: the client and the sealing code are most of the start-up time of a script without a profile.
function recorderFor(source: ProfileSource): Promise<Recorder> {
  return (recorder ??= import("./recorder.ts").then(({ createRecorder }) =>
    createRecorder(source),
  ));
}
