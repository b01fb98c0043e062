import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "@downbeat/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPageFiles } from "./page-files.ts";
import { PageServer } from "./page-server.ts";
import { pageUrl, unlockedPageUrl } from "./page-url.ts";

const SCRIPT = "<script>alert(1)</script>";
const sent: Parameters<Transport>[0][] = [];
let server: PageServer;

/** An API that has gone over to the enemy: it answers with a page. */
const transport: Transport = async (call) => {
  sent.push(call);
  return { status: 201, header: () => "text/html", text: SCRIPT };
};

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "downbeat-page-"));
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>Downbeat</title>");
  writeFileSync(join(directory, "assets", "index.js"), "export {};");
  const files = await readPageFiles(directory);
  server = await PageServer.start({ files, port: 0, transport });
});
afterAll(() => server.close());

type Asked = { path: string; method?: string; headers?: Record<string, string>; body?: string };

/** By node:http: fetch lets nobody set the host, nor ask for a path with dots. */
function ask({ path, method = "GET", headers = {}, body }: Asked) {
  const { hostname, port } = new URL(server.url);
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const asked = request({ hostname, port, path, method, headers }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      asked.on("error", reject);
      asked.end(body);
    },
  );
}

const HTML = { accept: "text/html" };

test.each(["/", "/runs", "/runs/0198c0de-0000-7000-8000-000000000000", "/index.html"])(
  "serves %s as a page that may load nothing from elsewhere",
  async (path) => {
    const { status, headers, text } = await ask({ path, headers: HTML });
    expect([status, text]).toEqual([200, "<!doctype html><title>Downbeat</title>"]);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self'/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  },
);

test("listens on the loopback address alone", () => {
  expect(new URL(server.url).hostname).toBe("127.0.0.1");
});

test.each(["evil.example", "127.0.0.1.evil.example:80", "localhost:1"])(
  "answers nothing to who asks for the host %j",
  async (host) => {
    for (const path of ["/", "/v1/me"]) {
      const before = sent.length;
      const answer = await ask({ path, headers: { ...HTML, host } });
      expect(answer.status).toBe(421);
      expect(answer.text).not.toContain("<");
      expect(sent).toHaveLength(before);
    }
  },
);

test("hands calls on with the page's credentials and nothing else the browser has", async () => {
  const headers = {
    authorization: "Bearer t",
    "content-type": "application/json",
    cookie: "a=b",
    origin: server.url,
  };
  const answer = await ask({ path: "/v1/runs?limit=1", method: "POST", headers, body: "{}" });
  expect(sent.at(-1)).toMatchObject({ method: "POST", path: "/v1/runs?limit=1", body: "{}" });
  expect(sent.at(-1)?.headers).toEqual({
    authorization: "Bearer t",
    "content-type": "application/json",
  });
  expect(answer.status).toBe(201);
});

test("what the API answers cannot run here, whatever it calls itself", async () => {
  const { headers, text } = await ask({ path: "/v1/page", headers: HTML });
  expect(text).toBe(SCRIPT);
  expect(headers["content-type"]).toBe("application/json");
  expect(headers["x-content-type-options"]).toBe("nosniff");
});

test.each(["/assets/gone.js", "/../package.json", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../x"])(
  "has no %s",
  async (path) => {
    expect((await ask({ path })).status).toBe(404);
  },
);

test("takes no other method for files, and says when a port is taken or the page is not built", async () => {
  expect((await ask({ path: "/", method: "POST" })).status).toBe(405);
  const port = Number(new URL(server.url).port);
  const second = PageServer.start({ files: new Map(), port, transport });
  await expect(second).rejects.toMatchObject({ code: "configuration_invalid" });
  await expect(readPageFiles(join(tmpdir(), "downbeat-nowhere"))).rejects.toMatchObject({
    code: "configuration_invalid",
  });
});

test("the link carries the credentials behind #, and the workspace key only when asked to", () => {
  const place = { apiUrl: "http://127.0.0.1:1", apiKey: "dnb_a+b" };
  expect(pageUrl(place, "/runs")).toBe("http://127.0.0.1:1/runs#t=dnb_a%2Bb");
  expect(unlockedPageUrl(place, { version: 1 } as never, "/runs")).toMatch(
    /#t=dnb_a%2Bb&k=[\w-]+$/,
  );
});
