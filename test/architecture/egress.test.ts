import { describe, expect, it } from "vitest";
import { egressViolations } from "./egress-violations.ts";
import { typescriptFiles } from "./source-files.ts";

describe("what leaves the customer's network", () => {
  it("leaves by the one door of the agent and the doors of the SDK", async () => {
    expect(egressViolations(await typescriptFiles())).toEqual([]);
  });

  it.each([
    ["apps/agent/src/a.ts", `import { createClient } from "@downbeat/client";`],
    ["apps/agent/src/a.ts", `import { type Client, createClient } from "@downbeat/client";`],
    ["apps/agent/src/a.ts", `const { createClient } = await import("@downbeat/client");`],
    ["apps/agent/src/a.ts", `import { request } from "node:https";`],
    ["apps/agent/src/a.ts", `import { connect } from "net";`],
    ["apps/agent/src/a.ts", `import { createSocket } from "node:dgram";`],
    ["apps/agent/src/a.ts", `import { lookup } from "node:dns/promises";`],
    ["apps/agent/src/a.ts", `import undici from "undici";`],
    ["apps/agent/src/a.ts", `await fetch("https://example.org");`],
    ["packages/sdk/src/worker/a.ts", `await globalThis.fetch("https://example.org");`],
    ["packages/sdk/src/flow.ts", `import { createClient } from "@downbeat/client";`],
    ["packages/sdk/src/flow.ts", `new WebSocket("wss://example.org");`],
  ])("would report %s with %s", (path, text) => {
    expect(egressViolations([{ path, text }])).toEqual([expect.stringContaining(path)]);
  });

  it.each([
    ["apps/agent/src/a.ts", `import type { Client } from "@downbeat/client";`],
    ["apps/agent/src/a.ts", `import { type Client } from "@downbeat/client";`],
    ["apps/agent/src/plane-client.ts", `import { createClient } from "@downbeat/client";`],
    ["apps/agent/src/a.test.ts", `import { createServer } from "node:http";`],
    ["apps/cli/src/a.ts", `import { createClient } from "@downbeat/client";`],
    ["apps/agent/src/a.ts", `const prefetch = (x: number) => x; prefetch(1);`],
  ])("finds nothing wrong in %s with %s", (path, text) => {
    expect(egressViolations([{ path, text }])).toEqual([]);
  });
});
