import { expect, it } from "vitest";
import { LeasedDeployment, LeasedRun, leasesOf } from "./lease.ts";

const fieldsOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, name]));

it("gives each lease every field of its run and of its deployment", () => {
  const runFields = Object.keys(LeasedRun.shape).filter((name) => name !== "deployment");
  const deploymentFields = Object.keys(LeasedDeployment.shape);
  const answer = {
    leases: [{ ...fieldsOf(runFields), deployment: 1 }],
    deployments: [fieldsOf(["another"]), fieldsOf(deploymentFields)],
  } as unknown as Parameters<typeof leasesOf>[0];
  expect(leasesOf(answer)).toEqual([fieldsOf([...runFields, ...deploymentFields])]);
});

it("refuses a lease whose deployment is not in the answer", () => {
  const answer = { leases: [{ runId: "r", deployment: 1 }], deployments: [] };
  expect(() => leasesOf(answer as unknown as Parameters<typeof leasesOf>[0])).toThrow(
    "The lease of run r names deployment 1 of 0.",
  );
});
