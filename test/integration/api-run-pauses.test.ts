import type { RunInput, Signed } from "@downbeat/contract";
import { sweepPauses } from "@downbeat/db";
import { createSigningKey, signerOf, signInput } from "@downbeat/seal/node";
import { describeEachDatabase } from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimWith, codeOf, startTestApi, transition, type TestApi } from "./api-harness.ts";
import type { TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, report, type Stage } from "./api-stage.ts";

const SCHEMA = { type: "object", properties: { approved: { type: "boolean" } } };
const IN_AN_HOUR = () => new Date(Date.now() + 3_600_000);

describeEachDatabase("paused runs", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  const readRun = (runId: string) => here.admin.call("readRun", { params: { runId } });
  const names = async (runId: string): Promise<string[]> => {
    const { items } = await here.admin.call("listRunStates", { params: { runId } });
    return items.map(({ name }) => name);
  };

  const given = (...inputs: (Partial<RunInput> & { runId?: string })[]) =>
    inputs.map((input) => ({ signature: null, ...input, givenAt: expect.any(String) }));

  /** A run whose agent has reported that it waits. */
  async function aPausedRun(name: "Paused" | "Suspended", given: object = {}) {
    const stage: Stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    const pause = { key: "approval", inputSchema: SCHEMA, timeoutSeconds: 60, ...given };
    const paused = {
      ...transition(lease, "RUNNING"),
      type: "PAUSED",
      name,
      reason: name === "Paused" ? "pause_requested" : "suspend_requested",
      pause,
    };
    expect(await report(stage.agent, transition(lease, "RUNNING"), paused)).toEqual([
      "accepted",
      "accepted",
    ]);
    const { runId, epoch } = lease;
    const input = await here.seal(
      { kind: "input", run: runId, point: "approval" },
      { approved: true },
    );
    const resume = () => here.admin.call("resumeRun", { params: { runId }, body: { input } });
    const beat = (tick: number) =>
      stage.agent.caller.call("heartbeat", {
        body: { sessionId, tick, runs: [{ runId, epoch, awaits: "approval" }] },
      });
    return { stage, lease, runId, input, resume, beat };
  }

  it("shows what a run waits for, and hands its process what someone gave", async () => {
    const { stage, lease, runId, input, resume, beat } = await aPausedRun("Paused");
    expect(await readRun(runId)).toMatchObject({
      state: { type: "PAUSED", name: "Paused" },
      pause: { key: "approval", inputSchema: SCHEMA, onTimeout: "fail" },
    });
    expect(await here.admin.call("readWhy", { params: { runId } })).toMatchObject({
      code: "paused",
      words: expect.stringMatching(/^Paused at "approval" .* At \S+Z it fails\.$/),
      details: { pauseKey: "approval", onTimeout: "fail" },
    });
    expect((await beat(1)).inputs).toEqual([]);
    expect((await resume()).state).toMatchObject({ type: "RUNNING", name: "Running" });
    expect((await beat(2)).inputs).toEqual(given({ runId, key: "approval", input }));
    expect(await codeOf(resume())).toBe("transition_rejected");
    expect((await readRun(runId)).pause).toBeNull();
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["accepted"]);
  });

  it("lets a suspended run go, and starts it again with what it was given", async () => {
    const { stage, lease, runId, input, resume, beat } = await aPausedRun("Suspended");
    expect((await beat(1)).fenced).toEqual([runId]);
    expect((await claimWith(stage.agent)).leases).toEqual([]);
    expect((await resume()).state).toMatchObject({ type: "SCHEDULED", name: "Resuming" });
    const [again] = (await claimWith(stage.agent)).leases;
    expect(again).toMatchObject({
      runId,
      epoch: lease.epoch + 1,
      inputs: given({ key: "approval", input }),
    });
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["fenced"]);
    if (again === undefined) return;
    await report(stage.agent, transition(again, "RUNNING"), transition(again, "COMPLETED"));
    expect(await names(runId)).toEqual([
      "Scheduled",
      "Pending",
      "Running",
      "Suspended",
      "Resuming",
      "Pending",
      "Running",
      "Completed",
    ]);
  });

  it("refuses what was sealed for another pause point, or for none", async () => {
    const { runId } = await aPausedRun("Suspended");
    const params = { runId };
    for (const point of ["review", undefined]) {
      const input = await here.seal({ kind: "input", run: runId, point }, { approved: true });
      const asked = here.admin.call("resumeRun", { params, body: { input } });
      await expect(asked).rejects.toMatchObject({
        code: "transition_rejected",
        message: expect.stringContaining(`waits at "approval"`),
      });
    }
    // Without input there is no seal that would tell: a call that was made twice says which point it meant.
    expect(await codeOf(here.admin.call("resumeRun", { params, body: { point: "review" } }))).toBe(
      "transition_rejected",
    );
    const meant = here.admin.call("resumeRun", { params, body: { point: "approval" } });
    expect((await meant).state.type).toBe("SCHEDULED");
  });

  it("takes the end of a flow that did not wait for an answer any longer", async () => {
    const { stage, lease, runId } = await aPausedRun("Paused");
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["accepted"]);
    expect((await readRun(runId)).state.type).toBe("COMPLETED");
  });

  it("cancels a suspended run at once, a paused one through its agent", async () => {
    const suspended = await aPausedRun("Suspended");
    const paused = await aPausedRun("Paused");
    for (const { runId } of [suspended, paused])
      await here.admin.call("cancelRun", { params: { runId } });
    expect((await readRun(suspended.runId)).state.type).toBe("CANCELLED");
    expect((await readRun(paused.runId)).state.type).toBe("CANCELLING");
    expect((await paused.beat(1)).cancel).toEqual([paused.runId]);
    expect(await codeOf(suspended.resume())).toBe("transition_rejected");
    expect(await codeOf(paused.resume())).toBe("transition_rejected");
  });

  it.each(["Paused", "Suspended"] as const)(
    "fails a run that nobody resumed in time (%s), and cannot be resumed after that",
    async (name) => {
      const { runId, resume, beat } = await aPausedRun(name);
      await database().asEngine((tx) => sweepPauses(tx));
      expect((await readRun(runId)).state.type).toBe("PAUSED");
      await database().asEngine((tx) => sweepPauses(tx, { now: IN_AN_HOUR() }));
      expect(await readRun(runId)).toMatchObject({
        state: { type: "FAILED", name: "TimedOut" },
        reason: "pause_timed_out",
      });
      expect(await codeOf(resume())).toBe("transition_rejected");
      expect((await beat(1)).fenced).toEqual([runId]);
    },
  );

  it("goes on without input where the flow asked for that", async () => {
    const paused = await aPausedRun("Paused", { onTimeout: "resume" });
    const suspended = await aPausedRun("Suspended", { onTimeout: "resume" });
    await database().asEngine((tx) => sweepPauses(tx, { now: IN_AN_HOUR() }));
    expect((await paused.beat(1)).inputs).toEqual(
      given({ runId: paused.runId, key: "approval", input: null }),
    );
    expect((await readRun(paused.runId)).reason).toBe("resumed_by_timeout");
    expect((await readRun(suspended.runId)).state).toMatchObject({ name: "Resuming" });
  });

  it("hands on by whom it was signed, and waits on when its agent refuses it", async () => {
    const { stage, lease, runId, input, beat } = await aPausedRun("Paused");
    const now = new Date();
    const signer = await signerOf(await createSigningKey({ now }));
    const signing = { signer, workspaceId: here.workspaceId, now };
    const params = { runId };
    const give = (signature?: Signed<"input">) =>
      here.admin.call("resumeRun", {
        params,
        body: { input, ...(signature !== undefined && { signature }) },
      });
    const elsewhere = await signInput(signing, { runId: lease.leaseToken, key: "approval", input });
    await expect(give(elsewhere)).rejects.toMatchObject({ code: "validation_failed" });
    const ofAnother = await signInput(signing, { runId: uuidv7(), key: "approval", input });
    expect(await codeOf(give(ofAnother))).toBe("transition_rejected");
    await give();
    const [unsigned] = (await beat(1)).inputs;
    const refused = {
      ...transition(lease, "RUNNING"),
      type: "PAUSED",
      name: "Paused",
      reason: "input_refused",
      pause: { key: "approval", inputSchema: SCHEMA },
    };
    expect(await report(stage.agent, refused)).toEqual(["accepted"]);
    expect(await here.admin.call("readWhy", { params })).toMatchObject({
      code: "input_refused",
      words: expect.stringContaining('Still waits at "approval"'),
    });
    const signature = await signInput(signing, { runId, key: "approval", input });
    await give(signature);
    const [signed] = (await beat(2)).inputs;
    expect(signed).toMatchObject({ signature });
    expect(signed?.givenAt).not.toBe(unsigned?.givenAt);
    await report(stage.agent, { ...refused, transitionId: uuidv7(), name: "Suspended" });
    await give(signature);
    expect((await claimWith(stage.agent)).leases[0]).toMatchObject({
      inputs: given({ key: "approval", input, signature }),
    });
  });

  it("refuses plaintext as input", async () => {
    const { runId } = await aPausedRun("Suspended");
    const body = { input: "yes" } as never;
    const resumed = here.admin.call("resumeRun", { params: { runId }, body });
    expect(await codeOf(resumed)).toBe("plaintext_refused");
  });
});
