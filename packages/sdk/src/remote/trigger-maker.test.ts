import { readSealedHeader, type Deployment } from "@downbeat/contract";
import { createDataKey, sealJson } from "@downbeat/seal";
import { aCustomer } from "@downbeat/seal/testing";
import { expect, test } from "vitest";
import { TriggerMaker } from "./trigger-maker.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("the trace of a call travels with what its run is given; without one there is no trace", async () => {
  const { keyring, publicKey } = await aCustomer();
  const dataKey = await createDataKey({ recipients: [publicKey], keyring });
  const maker = new TriggerMaker({
    readDeployment: async () => ({ defaultParameters: null, parameterSchema: null }) as Deployment,
    seal: (context, value) => sealJson(dataKey, context, value),
    opener: undefined,
    keyring: undefined,
    signing: undefined,
    nowMs: () => 0,
  });
  const request = { flowName: "f", deploymentName: "default", parameters: {}, tags: [] };
  const made = await maker.makeAll([{ ...request, traceparent: TRACE }, request]);
  const traces = made.map((spec) =>
    "refusal" in spec ? spec : readSealedHeader(spec.parameters ?? "")?.trace,
  );
  expect(traces).toEqual([TRACE, undefined]);
});
