import { ArtifactDetail, MetricItem, refuseUnsealed } from "@downbeat/contract";
import { LARGEST_CONTENT_BYTES, LARGEST_IMAGE_BYTES } from "@downbeat/contract/artifact-limits";
import { createDataKey, createKeyset, openKeyring, publicKeyOf, sealJson } from "@downbeat/seal";
import { describe, expect, test } from "vitest";
import { artifact, flow, metric, pause, progress, secret, task } from "../index.ts";
import { testFlow } from "../testing/index.ts";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

const shown = (body: () => unknown) =>
  testFlow(() => flow({ name: "shows" }, async () => void (await body()))());

test("a run records what it shows, each in its newest version, made in flow or task", async () => {
  const load = task({ name: "load" }, async (day: string) => {
    artifact.markdown("note", `day ${day}`, { title: "Day" });
    progress(1, 2, day);
    progress(2, 2);
  });
  const run = await shown(async () => {
    artifact.markdown("note", "nothing yet");
    await load("Mon");
    await load("Tue");
    progress(3);
    metric("rows", 1);
    metric("rows", 2.5);
  });
  const ids = run.taskRuns.map(({ taskName, index }) => `${taskName} #${index}`);
  expect(ids).toEqual(["load #0", "load #1"]);
  expect(run.artifacts).toMatchObject([
    { key: "note", title: "Day", taskRunId: expect.any(String), content: { text: "day Tue" } },
    { key: "progress of load #0", content: { type: "progress", done: 2, total: 2 } },
    { key: "progress of load #1", content: { done: 2 } },
    { key: "progress", content: { done: 3, total: null } },
  ]);
  expect(run.artifacts[3]).not.toHaveProperty("taskRunId");
  expect(run.metrics).toEqual({ rows: 2.5 });
  for (const { kind: _, ...detail } of run.artifacts)
    expect(ArtifactDetail.safeParse(detail).error).toBeUndefined();
});

test("rows become a table: all columns that are met, or those asked for, in cells that can be shown", async () => {
  const rows = [
    { day: new Date(0), count: 10n, ok: true, list: [1, { a: 2 }], at: new URL("http://x.test") },
    { day: new Date(Number.NaN), ratio: Number.NaN, none: null, missing: undefined },
  ];
  const run = await shown(() => {
    artifact.table("all", rows);
    artifact.table("some", rows, { columns: ["ratio", "day"] });
    artifact.table("empty", []);
  });
  expect(run.artifacts.map(({ content }) => content)).toEqual([
    {
      type: "table",
      columns: ["day", "count", "ok", "list", "at", "ratio", "none", "missing"],
      rows: [
        ["1970-01-01T00:00:00.000Z", "10", true, '[1,{"a":2}]', "http://x.test/", null, null, null],
        ["Invalid Date", null, null, null, null, "NaN", null, null],
      ],
    },
    {
      type: "table",
      columns: ["ratio", "day"],
      rows: [
        [null, "1970-01-01T00:00:00.000Z"],
        ["NaN", "Invalid Date"],
      ],
    },
    { type: "table", columns: [], rows: [] },
  ]);
});

test("links and images keep what they are", async () => {
  const gif = new Uint8Array(Buffer.from("xxGIF89a...")).subarray(2);
  const run = await shown(() => {
    artifact.link("docs", "HTTPS://x.test/a b", { text: "the docs" });
    artifact.image("plot", PNG, { alt: "a plot" });
    artifact.image("anim", gif);
  });
  expect(run.artifacts.map(({ content }) => content)).toEqual([
    { type: "link", url: "https://x.test/a%20b", text: "the docs" },
    { type: "image", mediaType: "image/png", data: PNG.toString("base64"), alt: "a plot" },
    { type: "image", mediaType: "image/gif", data: Buffer.from(gif).toString("base64") },
  ]);
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;

describe.each<[string, () => void, string, RegExp]>([
  ["an empty key", () => artifact.markdown("", "x"), "artifact_invalid", /the key ""; it takes/],
  [
    "a key that is no text",
    () => artifact.markdown(7 as never, "x"),
    "artifact_invalid",
    /the key 7/,
  ],
  [
    "a long key",
    () => artifact.link("k".repeat(201), "http://x.test"),
    "artifact_invalid",
    /1 to 200/,
  ],
  [
    "no text",
    () => artifact.markdown("k", { a: 1 } as never),
    "artifact_invalid",
    /artifact\.markdown\("k"\) was given an object of the class Object/,
  ],
  [
    "too much text",
    () => artifact.markdown("k", "ü".repeat(LARGEST_CONTENT_BYTES / 2)),
    "artifact_too_large",
    /takes 524\d+ bytes as JSON; 524288 are allowed/,
  ],
  [
    "a function in a table",
    () => artifact.table("k", [{ a: 1 }, { a: () => 1 }]),
    "artifact_invalid",
    /artifact\.table\("k"\): \[1\]\.a is a function/,
  ],
  [
    "a cycle in a table",
    () => artifact.table("k", [{ a: cycle }]),
    "artifact_invalid",
    /\[0\]\.a is an object of the class Object, which a table cannot show: Converting circular/,
  ],
  [
    "a row that is none",
    () => artifact.table("k", [{}, "x"] as never),
    "artifact_invalid",
    /row 1 is "x"/,
  ],
  ["rows that are no list", () => artifact.table("k", {} as never), "artifact_invalid", /a list/],
  [
    "a link that is code",
    () => artifact.link("k", "JavaScript:alert(1)"),
    "artifact_invalid",
    /artifact\.link\("k"\) was given "JavaScript:alert\(1\)"; it takes a URL with http/,
  ],
  ["a link to data", () => artifact.link("k", "data:text/html,x"), "artifact_invalid", /http:/],
  ["a link that is none", () => artifact.link("k", "/reports"), "artifact_invalid", /"\/reports"/],
  [
    "an image of another type",
    () => artifact.image("k", Buffer.from("<svg onload='x'/>")),
    "artifact_invalid",
    /17 bytes that begin with "<svg onload='x'\/"; it takes a PNG/,
  ],
  ["an image that is no bytes", () => artifact.image("k", "x" as never), "artifact_invalid", /"x"/],
  [
    "a large image",
    () => artifact.image("k", Buffer.concat([PNG, Buffer.alloc(LARGEST_IMAGE_BYTES)])),
    "artifact_too_large",
    /389136 bytes; 389120 are allowed/,
  ],
  ["progress of nothing", () => progress(Number.NaN), "artifact_invalid", /NaN as `done`/],
  ["negative progress", () => progress(1, -2), "artifact_invalid", /-2 as `total`/],
  ["a metric that is NaN", () => metric("rows", Number.NaN), "metric_invalid", /"rows"\).*NaN/],
  ["an endless metric", () => metric("rows", -1 / 0), "metric_invalid", /-Infinity/],
  ["a metric that is text", () => metric("rows", "5" as never), "metric_invalid", /given "5"/],
  ["a metric named by data", () => metric("a@b.test", 1), "metric_invalid", /"a@b\.test" cannot/],
  ["a long metric", () => metric("m".repeat(101), 1), "metric_invalid", /100 characters/],
])("%s", (_, call, code, message) => {
  test("is refused, naming the value, in a run and outside", async () => {
    expect(call).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    const run = await shown(call);
    expect(run.error).toMatchObject({ code });
    expect(run.artifacts).toEqual([]);
  });
});

test("outside a run nothing is shown and nothing fails", () => {
  const calls = [() => artifact.markdown("k", "x"), () => progress(1, 2), () => metric("rows", 1)];
  for (const call of calls) expect(call).not.toThrow();
});

test("secrets are taken out of everything but the bytes of images", async () => {
  secret("hunter2-artifact");
  const run = await shown(() => {
    artifact.markdown("key hunter2-artifact", "say hunter2-artifact", {
      title: "hunter2-artifact",
    });
    artifact.table("t", [{ "hunter2-artifact": "is hunter2-artifact" }]);
    artifact.link("l", "https://x.test/?t=hunter2-artifact", { text: "hunter2-artifact" });
    artifact.image("i", PNG, { alt: "hunter2-artifact" });
    progress(1, 2, "hunter2-artifact");
  });
  expect(run.artifacts).toHaveLength(5);
  expect(run.artifacts[0]?.key).toBe("key [secret]");
  expect(JSON.stringify(run.events)).not.toContain("hunter2-artifact");
});

test("a loop of a hundred thousand calls becomes a handful of events, the last one among them", async () => {
  const run = await shown(() => {
    for (let done = 0; done <= 100_000; done += 1) progress(done, 100_000);
  });
  expect(run.artifacts).toMatchObject([{ content: { done: 100_000 } }]);
  expect(run.events.filter(({ kind }) => kind === "artifact").length).toBeLessThan(5);
});

test("what is shown before a wait is there during the wait", async () => {
  const run = await shown(async () => {
    progress(1, 3);
    progress(2, 3);
    await pause({ key: "approval" });
  });
  expect(run).toMatchObject({ waitingAt: "approval", artifacts: [{ content: { done: 2 } }] });
});

test("a thousand artifacts are shown, and a line says that the others are not", async () => {
  const run = await shown(() => {
    for (let at = 0; at < 1_003; at += 1) artifact.markdown(`note ${at}`, "x");
  });
  expect(run.artifacts).toHaveLength(1_000);
  expect(run.logs.map(({ text }) => text)).toEqual([
    "this run has 1000 artifacts already; further ones are left out",
  ]);
});

test("the largest that is taken stays within what the contract allows, sealed", async () => {
  const keyset = await createKeyset({ workspaceId: crypto.randomUUID(), now: new Date() });
  const keyring = await openKeyring(keyset);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  const title = "ü".repeat(500);
  const run = await shown(() => {
    artifact.image("i".repeat(200), Buffer.concat([PNG, Buffer.alloc(LARGEST_IMAGE_BYTES - 16)]), {
      title,
      alt: title,
    });
    artifact.markdown("m", "x".repeat(LARGEST_CONTENT_BYTES - 29), { title });
  });
  expect(run.artifacts).toHaveLength(2);
  const place = { kind: "artifact", run: crypto.randomUUID(), epoch: 1, seq: 0 } as const;
  for (const detail of run.artifacts) {
    const blob = await sealJson(dataKey, place, detail);
    expect(refuseUnsealed(blob, "artifact")).toBeUndefined();
  }
  expect(MetricItem.shape.value.safeParse(Number.POSITIVE_INFINITY).success).toBe(false);
});
