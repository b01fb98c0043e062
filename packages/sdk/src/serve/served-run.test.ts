import type { Lease, ReportItem, TransitionItem } from "@downbeat/contract";
import { expect, test, vi } from "vitest";
import { flowDefinitionOf } from "../flow-definition.ts";
import { flow } from "../flow.ts";
import { runContext } from "../run-context.ts";
import type { Hook } from "../state-hooks.ts";
import { ReportQueue } from "./report-queue.ts";
import type { ServeKeys } from "./serve-keys.ts";
import { ServedRun, type ServedRunParts } from "./served-run.ts";

const LEASE: Lease = {
  runId: "01890a5d-ac96-774b-bcce-b302099a8057",
  epoch: 1,
  leaseToken: "ab".repeat(16),
  flowName: "mail",
  deploymentName: "default",
  contentHash: "0".repeat(64),
  entrypoint: "sealed" as Lease["entrypoint"],
  defaultParameters: null,
  parameters: null,
  deploymentSignature: null,
  signature: null,
  timeoutSeconds: null,
  exclusive: false,
  inputs: [],
  resultsFrom: 0,
  limitedTags: [],
};
// Without the workspace key states are reported and nothing is sealed.
const KEYS = {
  full: undefined,
  workspaceId: "w",
  open: async () => ({ year: 2014 }),
} as unknown as ServeKeys;

/** A leased run, before a plane that accepts whatever it is told; which states that were. */
function aServedRun(
  lease: Lease,
  definition: ServedRunParts["definition"],
  signedInputs?: ServedRunParts["signedInputs"],
) {
  const items: ReportItem[] = [];
  const call = async (_: string, { body }: { body: { items: ReportItem[] } }) => {
    items.push(...body.items);
    const outcomes = body.items.map(() => ({ status: "accepted", state: null, waitSeconds: null }));
    return { outcomes };
  };
  const client = { call } as unknown as ServedRunParts["client"];
  const reports = new ReportQueue({ client });
  const run = new ServedRun(lease, { client, keys: KEYS, reports, definition, signedInputs });
  const states = () =>
    items
      .filter((item): item is TransitionItem => item.kind === "transition")
      .map(({ name, reason, error }) => [name, reason, ...(error === null ? [] : [error.class])]);
  return { run, reports, states };
}

/** Lives it to its end. */
async function statesOf(lease: Lease, definition: ServedRunParts["definition"]) {
  const { run, reports, states } = aServedRun(lease, definition);
  await run.live();
  reports.stop();
  return states();
}

let calls = 0;
const mail = flowDefinitionOf(flow({ name: "mail" }, async () => void (calls += 1)));

test("a lease of a flow that is served here is announced, executed and completed", async () => {
  expect(await statesOf(LEASE, mail)).toEqual([
    ["Running", "started"],
    ["Completed", "completed"],
  ]);
  expect(calls).toBe(1);
});

test("the trace that came with a run's parameters reaches its flow", async () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const header = Buffer.from(JSON.stringify({ trace })).toString("base64url");
  const parameters = `${header}..nonce.text.tag` as Lease["parameters"];
  const seen: unknown[] = [];
  const traced: ServedRunParts["definition"] = mail && {
    ...mail,
    execute: async (given, { traceparent }) => {
      seen.push(given, traceparent);
      return { outcome: "completed" };
    },
  };
  await statesOf({ ...LEASE, parameters }, traced);
  expect(seen).toEqual([{ year: 2014 }, trace]);
});

test("a lease of a flow that is not served here fails without a start", async () => {
  expect(await statesOf(LEASE, undefined)).toEqual([
    ["Failed", "entrypoint_invalid", "EntrypointError"],
  ]);
});

test("an exclusive lease fails without a start: nothing here could be killed in time", async () => {
  calls = 0;
  expect(await statesOf({ ...LEASE, exclusive: true }, mail)).toEqual([
    ["Failed", "entrypoint_invalid", "EntrypointError"],
  ]);
  expect(calls).toBe(0);
});

test("a run that is left when the process stops ends as crashed, and its hooks hear of that alone", async () => {
  const seen: string[] = [];
  const hook: Hook = ({ state }) => seen.push(state.name);
  const hooks = { onRunning: hook, onCancelling: hook, onCancelled: hook, onCrashed: hook };
  const long = flow({ name: "mail", ...hooks }, async () => {
    const { signal } = runContext();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    seen.push("stopped");
  });
  const { run, reports, states } = aServedRun(LEASE, flowDefinitionOf(long));
  const lived = run.live();
  await vi.waitUntil(() => seen.length > 0);
  await run.leave();
  await lived;
  await vi.waitUntil(() => reports.size === 0);
  reports.stop();
  expect(states()).toEqual([
    ["Running", "started"],
    ["Crashed", "process_exited", "ProcessExit"],
  ]);
  expect(seen).toEqual(["Running", "Crashed", "stopped"]);
});
