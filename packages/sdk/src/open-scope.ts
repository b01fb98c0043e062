import { watchConsole } from "./capture-console.ts";
import type { RunHost } from "./run-host.ts";
import { RunScope } from "./run-scope.ts";

type ScopePlan = {
  readonly host: RunHost | undefined;
  readonly flowName: string;
  readonly printsLogs: boolean;
  /** What the flow says of it. */
  readonly captureConsole: boolean | undefined;
};

/** What surrounds the code of one run, its `console` captured where flow or host ask for it. */
export function openScope({ captureConsole, ...plan }: ScopePlan): RunScope {
  const capturesConsole = captureConsole ?? plan.host?.capturesConsole;
  if (capturesConsole === true) watchConsole();
  return new RunScope({ ...plan, capturesConsole });
}
