import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Plane } from "./plane.ts";

type Made = { readonly file: string; readonly signersFile: string };

describe("an agent that runs only signed work", () => {
  let plane: Plane;
  let triggerUrl: string;
  let made: Made;

  beforeAll(async () => {
    plane = await Plane.create();
    await plane.startApi();
    await plane.setUp();
    made = await plane.cliJson<Made>(["key", "create", "--signing"]);
    const agent = await plane.startAgent(["--trigger-port", "0"], {
      DOWNBEAT_REQUIRE_SIGNED: "block",
      DOWNBEAT_SIGNERS_FILE: made.signersFile,
      DOWNBEAT_SIGNING_KEY_FILE: made.file,
    });
    triggerUrl = (await agent.waitForOutput(/"url":"(http[^"]+)"/))[1] ?? "";
  });
  afterAll(() => plane.dispose());

  const run = (...args: string[]): Promise<Run> => plane.cliJson<Run>(["run", ...args, "--sign"]);

  it("is given the public half alone", async () => {
    const { keys } = JSON.parse(await readFile(made.signersFile, "utf8")) as { keys: object[] };
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ["alg", "crv", "kid", "kty", "use", "x", "y"],
    ]);
  });

  it("refuses a deployment from before, saying why, and runs it once it is signed", async () => {
    const early = await run("markers", "-p", "secret=a");
    expect(await plane.ended(early.id)).toMatchObject({
      state: { type: "FAILED" },
      reason: "signature_refused",
      error: { class: "SignatureError" },
    });
    expect((await plane.cliOk(["runs", "view", early.id])).stdout).toContain(
      "The deployment is not signed.",
    );
    expect((await plane.cliOk(["runs", "why", early.id])).stdout).toContain(
      "not signed by a key it lists",
    );
    await plane.cliOk(["deploy", "--sign"]);
    const late = await run("markers", "-p", "secret=b");
    expect((await plane.ended(late.id)).state.type).toBe("COMPLETED");
    const once = "0198f2a0-0000-7000-8000-0000000000aa";
    const keyed = await run("markers", "-p", "secret=c", "--idempotency-key", once);
    expect((await plane.ended(keyed.id)).state.type).toBe("COMPLETED");
  });

  it("has no deployment that is signed and takes parameters in clear", async () => {
    const both = await plane.cli(["deploy", "--sign", "--host-transit"]);
    expect(both.code).not.toBe(0);
    expect(both.stderr).toContain("hostTransit: cannot go with a signature");
  });

  it("refuses a run that somebody made at the API alone", async () => {
    const { id } = await plane.client().call("createRun", { body: { flowName: "recovers" } });
    expect(await plane.ended(id)).toMatchObject({ reason: "signature_refused" });
  });

  it("runs what a script deploys, which signs with the key of its profile", async () => {
    await writeFile(
      join(plane.project, "flows/own.mjs"),
      `import { flow } from "@downbeat/sdk"; export const own = flow({ name: "own" }, async () => 1);`,
    );
    await writeFile(
      join(plane.project, "deploy.mjs"),
      `import { deploy } from "@downbeat/sdk";
      import { own } from "./flows/own.mjs";
      await deploy(own, { module: new URL("./flows/own.mjs", import.meta.url) });`,
    );
    expect(await plane.script("deploy.mjs").exited).toBe(0);
    expect((await plane.ended((await run("own")).id)).state.type).toBe("COMPLETED");
  });

  it("does not keep serve() from running its own flows, signed or not", async () => {
    await writeFile(
      join(plane.project, "serve.mjs"),
      `import { flow, pause, serve } from "@downbeat/sdk";
      import { z } from "zod";
      const served = flow({ name: "served" }, async () => 1);
      const input = z.object({ approved: z.boolean() });
      const asks = flow({ name: "served-asks" }, async () => pause({ key: "approval", input }));
      await serve(served, asks, { inputSigners: ${JSON.stringify(made.signersFile)} });
      console.log("serving");`,
    );
    const served = plane.script("serve.mjs");
    await served.waitForOutput(/serving/, 60_000);
    const { id } = await plane.client().call("createRun", { body: { flowName: "served" } });
    expect((await plane.ended(id)).state.type).toBe("COMPLETED");
    expect((await plane.ended((await run("served")).id)).state.type).toBe("COMPLETED");
  });

  it.each(["the agent", "serve()"])(
    "lets a run that waits go on with what is signed alone (%s)",
    async (where) => {
      if (where === "the agent") await plane.cliOk(["deploy", "flows/behaviour.ts", "--sign"]);
      const { id } = await run(where === "the agent" ? "asks" : "served-asks");
      await plane.reaches(id, "Paused");
      await plane.resume(id, { approved: true });
      const why = async () => (await plane.cliOk(["runs", "why", id])).stdout;
      await waitFor(async () => (await why()).includes("Resume it with --sign"), {
        describe: "the input to be refused",
        deadlineMs: 30_000,
      });
      await plane.cliOk(["runs", "resume", id, "-p", "approved=true", "--sign"]);
      await plane.reaches(id, "Completed");
      expect((await plane.cliOk(["runs", "logs", id])).stdout).toContain(
        `What was given to the pause point "approval" does not count.`,
      );
    },
  );

  it("runs what its own trigger port takes, and what its flows trigger", async () => {
    const post = async (path: string, body: object): Promise<string> => {
      const headers = { "content-type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify(body) };
      const response = await fetch(`${triggerUrl}${path}`, request);
      return ((await response.json()) as { runId: string }).runId;
    };
    expect((await plane.ended(await post("/run/markers", { secret: "d" }))).state.type).toBe(
      "COMPLETED",
    );
    await plane.ended(await post("/run/parent", {}));
    // One of its two children fails by itself; neither is refused.
    const endings = await readFile(join(plane.folder, "parent"), "utf8");
    expect(endings.trim().split(" ").toSorted()).toEqual(["COMPLETED", "FAILED"]);
    expect(await readFile(join(plane.folder, "children"), "utf8")).toMatch(/two/);
  });
});
