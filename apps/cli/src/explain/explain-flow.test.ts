import { expect, test } from "vitest";
import { explainFlow } from "./explain-flow.ts";

const FLOW = {
  flowName: "weather",
  path: "flows/weather.ts",
  export: "weather",
  contentHash: "0".repeat(64),
  gitSha: null,
  isBackground: false,
  exclusive: false,
  parameterSchema: { type: "object", properties: { year: { type: "integer" } } },
};

test("what is plain shows its value, what is sealed shows what is inside", () => {
  const { sends } = explainFlow(FLOW);
  const of = (when: string, path: string) =>
    sends.find((field) => field.when === when && field.path === path);
  expect(of("deploy", "body.deployments[].flowName")).toMatchObject({
    boundary: "plain",
    holds: "weather",
  });
  expect(of("deploy", "body.deployments[].entrypoint")).toMatchObject({
    boundary: "sealed",
    holds: "flows/weather.ts#weather",
  });
  expect(of("trigger", "body.parameters")).toMatchObject({
    boundary: "sealed",
    holds: "values of year",
  });
  expect(of("run", "body.items[].chunk")).toMatchObject({ boundary: "sealed" });
  expect(of("run", "body.items[].detail")).toMatchObject({
    boundary: "sealed",
    holds: "what it shows with artifact and progress(), with keys and titles",
  });
  expect(of("run", "body.items[].keyTag")).toMatchObject({ boundary: "plain" });
  expect(of("run", "body.items[].error.class")).toMatchObject({ boundary: "plain" });
});

test("what a deployment lets callers send in clear is said, naming the deployment", () => {
  const parameters = explainFlow(FLOW, ["webhook"]).sends.filter(
    ({ path }) => path === "body.parameters",
  );
  expect(parameters).toMatchObject([
    {
      when: "trigger",
      boundary: "transit",
      holds: "in clear if a caller of weather/webhook does not seal: values of year",
    },
  ]);
});

test("every field has a label, and none that is plain holds a path or a value of a parameter", () => {
  const { sends } = explainFlow(FLOW);
  expect(sends.filter(({ boundary }) => !["plain", "sealed"].includes(boundary))).toEqual([]);
  const inClear = sends.filter(({ boundary }) => boundary === "plain").map(({ holds }) => holds);
  expect(inClear.join("\n")).not.toContain("flows/weather.ts");
});
