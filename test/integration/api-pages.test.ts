import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { ROUTES } from "@downbeat/contract";
import { createDatabase, type TestDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApi, type TestApi } from "./api-harness.ts";

// What the pages are does not depend on the database, so one kind is enough.
describe("pages and documents of the API", () => {
  let made: TestDatabase;
  let api: TestApi;
  let dashboardDir: string;

  beforeAll(async () => {
    dashboardDir = await mkdtemp(path.join(tmpdir(), "downbeat-dashboard-"));
    await mkdir(path.join(dashboardDir, "assets"));
    await writeFile(
      path.join(dashboardDir, "index.html"),
      "<!doctype html><title>Downbeat</title>",
    );
    const asset = path.join(dashboardDir, "assets", "index-B4c8xY2z.js");
    await writeFile(asset, "export {};");
    await writeFile(`${asset}.br`, brotliCompressSync("export {};"));
    made = await createDatabase("pglite");
    const environment = { DOWNBEAT_DASHBOARD_DIR: dashboardDir };
    api = await startTestApi(made.database, { environment, runEngine: false });
  });
  afterAll(async () => {
    await api.app.close();
    await made.drop();
    await rm(dashboardDir, { recursive: true, force: true });
  });

  const get = (url: string, accept = "text/html") =>
    api.app.inject({ method: "GET", url, headers: { accept } });

  it.each(["/", "/runs", "/runs/0198c0de-0000-7000-8000-000000000000", "/docs/"])(
    "serves %s as a page that may load nothing from elsewhere",
    async (url) => {
      const { statusCode, headers } = await get(url);
      expect(statusCode).toBe(200);
      expect(headers["content-type"]).toMatch(/^text\/html/);
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self'/);
      expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
    },
  );

  it("lets hashed assets be kept for ever, and the page itself not at all", async () => {
    const asset = await get("/assets/index-B4c8xY2z.js", "*/*");
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect((await get("/")).headers["cache-control"]).toBe("no-cache");
  });

  it("sends an asset compressed to whoever takes it so, and as it is to others", async () => {
    const url = "/assets/index-B4c8xY2z.js";
    const headers = { accept: "*/*", "accept-encoding": "gzip, br" };
    const compressed = await api.app.inject({ method: "GET", url, headers });
    expect(compressed.headers).toMatchObject({
      "content-encoding": "br",
      "content-type": expect.stringContaining("javascript; charset=utf-8"),
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
    });
    const plain = await get(url, "*/*");
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(brotliDecompressSync(compressed.rawPayload)).toEqual(plain.rawPayload);
  });

  it("answers 404 with a problem to a missing file, an API path and a way out of the directory", async () => {
    for (const [url, accept] of [
      ["/assets/gone.js", "*/*"],
      ["/v1/gone", "text/html"],
      ["/..%2f..%2fetc/passwd", "*/*"],
    ] as const) {
      const response = await get(url, accept);
      expect({ url, status: response.statusCode }).toEqual({ url, status: 404 });
      expect(response.json()).toMatchObject({ code: "not_found" });
    }
  });

  it("has no inline script or style in the page that renders the document", async () => {
    const { body } = await get("/docs/");
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(body).not.toMatch(/<style|\sstyle=|\son\w+=/);
    expect((await get("/docs/docs.js", "*/*")).statusCode).toBe(200);
    expect((await get("/docs/docs.js", "*/*")).body).not.toMatch(
      /innerHTML|insertAdjacentHTML|document\.write/,
    );
  });

  it("lists every route in /openapi.json, and serves every route it lists", async () => {
    const { paths } = (await get("/openapi.json", "application/json")).json<{
      paths: Record<string, object>;
    }>();
    const listed = Object.entries(paths).flatMap(([url, methods]) =>
      Object.keys(methods).map(
        (method) => `${method.toUpperCase()} ${url.replaceAll(/\{(\w+)\}/g, ":$1")}`,
      ),
    );
    expect(listed.toSorted()).toEqual(
      Object.values(ROUTES)
        .map(({ method, path: url }) => `${method} ${url}`)
        .toSorted(),
    );
    for (const { method, path: url } of Object.values(ROUTES))
      expect(api.app.hasRoute({ method, url })).toBe(true);
  });

  it("tells a running process from one that can serve", async () => {
    expect((await get("/health")).json()).toMatchObject({ status: "ok" });
    expect((await get("/ready")).json()).toEqual({ status: "ready", database: "pglite" });
  });
});
