import type { DeploymentSpec, Signed } from "@downbeat/contract";
import { createSigningKey, signDeployment, signerOf, signTrigger } from "@downbeat/seal/node";
import { describeEachDatabase } from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimWith, startTestApi, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { aStage, type Stage } from "./api-stage.ts";

describeEachDatabase("signed work", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let stage: Stage;
  let signing: Parameters<typeof signTrigger>[0];
  let spec: DeploymentSpec;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    stage = await aStage(api, here);
    const now = new Date();
    const signer = await signerOf(await createSigningKey({ now }));
    signing = { signer, workspaceId: here.workspaceId, now };
    const { flowName, poolName } = stage;
    const place = { kind: "entrypoint", dep: `${flowName}/default` } as const;
    spec = {
      flowName,
      poolName,
      name: "default",
      queueName: "default",
      tags: [],
      contentHash: "1".repeat(64),
      gitSha: null,
      parameterSchema: null,
      entrypoint: await here.seal(place, { path: "a.ts", export: "a" }),
      defaultParameters: null,
      retry: null,
      timeoutSeconds: null,
      exclusive: false,
      hostTransit: false,
    };
  });
  afterAll(() => api.app.close());

  it("reaches the agent as it was signed; what is deployed unsigned later is unsigned", async () => {
    const { flowName } = stage;
    const ofDeployment = await signDeployment(signing, spec);
    const body = { deployments: [{ ...spec, signature: ofDeployment }] };
    const { deployments } = await here.admin.call("deploy", { body });
    expect(deployments[0]?.signature).toBe(ofDeployment);
    const trigger = { flowName, deploymentName: "default", parameters: null, tags: [] };
    const [first, second] = [uuidv7(), uuidv7()];
    const signature = await signTrigger(signing, { ...trigger, runId: first });
    await here.admin.call("createRun", { body: { ...trigger, runId: first, signature } });
    const others = await signTrigger(signing, { ...trigger, runId: second });
    await here.admin.call("createRuns", {
      body: { runs: [{ ...trigger, runId: second, signature: others }, trigger] },
    });
    const { leases } = await claimWith(stage.agent, 3);
    expect(leases.map(({ deploymentSignature }) => deploymentSignature)).toEqual(
      [1, 2, 3].map(() => ofDeployment),
    );
    const signatures = new Map(leases.map((lease) => [lease.runId, lease.signature]));
    expect([signatures.get(first), signatures.get(second)]).toEqual([signature, others]);
    expect([...signatures.values()]).toContain(null);
    const again = await here.admin.call("deploy", { body: { deployments: [spec] } });
    expect(again.deployments[0]?.signature).toBeNull();
  });

  it("is refused by the API when it holds more than a statement", async () => {
    const trigger = { flowName: stage.flowName, deploymentName: "default", parameters: null };
    const runId = uuidv7();
    const signature = await signTrigger(signing, { ...trigger, tags: [], runId });
    const [header = "", payload = "", mac = ""] = signature.split(".");
    const stated = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const said = Buffer.from(JSON.stringify({ ...stated, note: "Ada Lovelace" }));
    const smuggled = `${header}.${said.toString("base64url")}.${mac}` as Signed<"trigger">;
    for (const wrong of [smuggled, "Ada Lovelace" as Signed<"trigger">]) {
      const asked = here.admin.call("createRun", { body: { ...trigger, runId, signature: wrong } });
      await expect(asked).rejects.toMatchObject({ code: "validation_failed" });
    }
  });
});
