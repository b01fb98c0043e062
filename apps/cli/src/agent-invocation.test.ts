import { expect, test } from "vitest";
import { agentInvocation } from "./agent-invocation.ts";
import { environmentToPassOn, readConfig } from "./config.ts";

const options = { pool: "default", project: "/project" };
const profile = { apiUrl: "http://127.0.0.1:4200", apiKey: "dnb_x" };
const config = readConfig({ PATH: "/bin", DOWNBEAT_KEY: "the keyset" });

test("of all processes that are started only an agent is given the key in the environment", () => {
  expect(config.keyText).toBe("the keyset");
  expect(config.environment).toEqual({ PATH: "/bin" });
  expect(environmentToPassOn({ PATH: "/bin", DOWNBEAT_KEY: "the keyset" })).toEqual({
    PATH: "/bin",
  });
  const { env } = agentInvocation(options, { ...profile, keyText: "the keyset" }, config);
  expect(env).toMatchObject({ DOWNBEAT_KEY: "the keyset", DOWNBEAT_API_KEY: "dnb_x" });
});

test("an agent of a profile of its own is given that one's key file and no other key", () => {
  const { env } = agentInvocation(options, { ...profile, keyFile: "/keys/w.json" }, config);
  expect(env).toMatchObject({ DOWNBEAT_KEY_FILE: "/keys/w.json" });
  expect(env).not.toHaveProperty("DOWNBEAT_KEY");
});

test("flags that are given travel to the agent as it knows them, and no others", () => {
  const global = { json: true, input: true };
  const given = { ...options, ...global, triggerPort: "4300", captureConsole: true };
  expect(agentInvocation(given, profile, config).args).toEqual(
    "--pool default --project /project --trigger-port 4300 --capture-console 1".split(" "),
  );
  expect(agentInvocation(options, profile, config).args).not.toContain("--capture-console");
});
