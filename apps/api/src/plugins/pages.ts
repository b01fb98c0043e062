import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PAGE_HEADERS } from "@downbeat/contract";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const PUBLIC_DIR = fileURLToPath(new URL("../../public", import.meta.url));
const BUILT_DASHBOARD_DIR = fileURLToPath(new URL("../../../dashboard/dist", import.meta.url));

/** Serves the page that renders the OpenAPI document, and the dashboard when it is built. */
export async function servePages(
  app: FastifyInstance,
  dashboardDir: string | undefined,
): Promise<void> {
  app.addHook("onSend", (_request, reply, _payload, done) => {
    void reply.header("x-content-type-options", "nosniff");
    if (String(reply.getHeader("content-type")).startsWith("text/html"))
      void reply.headers(PAGE_HEADERS);
    done();
  });
  await app.register(fastifyStatic, {
    root: path.join(PUBLIC_DIR, "docs"),
    prefix: "/docs/",
    index: "index.html",
    redirect: false,
  });
  app.get("/docs", (_request, reply) => reply.redirect("/docs/"));
  await serveDashboard(app, dashboardDir ?? BUILT_DASHBOARD_DIR);
}

async function serveDashboard(app: FastifyInstance, dir: string): Promise<void> {
  const indexFile = path.join(dir, "index.html");
  if (!existsSync(indexFile)) {
    app.log.warn("no dashboard is built; only the API is served");
    return;
  }
  await app.register(fastifyStatic, {
    root: dir,
    prefix: "/",
    decorateReply: false,
    wildcard: false,
    index: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders: (reply, file) => void reply.header("cache-control", cacheControlOf(file)),
  });
  const index = await readFile(indexFile, "utf8");
  app.get("/", (_request, reply) => sendIndex(reply, index));
  // A link into the dashboard is a path of its router, not a file.
  app.get("/*", (request, reply) =>
    wantsPage(request) ? sendIndex(reply, index) : reply.callNotFound(),
  );
}

function sendIndex(reply: FastifyReply, index: string): FastifyReply {
  return reply.header("cache-control", "no-cache").type("text/html; charset=utf-8").send(index);
}

function wantsPage({ url, headers }: FastifyRequest): boolean {
  return !url.startsWith("/v1/") && (headers.accept ?? "").includes("text/html");
}

// Built assets carry a hash of their content in their name.
function cacheControlOf(file: string): string {
  return /[.-][\w-]{8,}\.(js|css|woff2|svg|png)(\.br)?$/.test(file)
    ? "public, max-age=31536000, immutable"
    : "no-cache";
}
