import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi.ts";
import { ROUTES } from "./routes.ts";

describe("the OpenAPI document", () => {
  const document = openApiDocument("1.2.3") as {
    openapi: string;
    paths: Record<
      string,
      Record<string, { operationId: string; parameters: { name: string; required: boolean }[] }>
    >;
  };

  it("lists every route of the contract once", () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map((o) => o.operationId),
    );
    expect(ids.toSorted()).toEqual(Object.keys(ROUTES).toSorted());
    expect(document.openapi).toBe("3.1.0");
  });

  it("declares path parameters as required and filters as optional", () => {
    expect(document.paths["/v1/runs/{runId}"]?.["get"]?.parameters).toMatchObject([
      { name: "runId", required: true },
    ]);
    const list = document.paths["/v1/runs"]?.["get"]?.parameters ?? [];
    expect(list.map(({ required }) => required)).not.toContain(true);
  });

  it("says of a route of lines that its schemas are of one line each", () => {
    const stream = document.paths["/v1/runs/stream"]?.["post"] as unknown as {
      requestBody: { description: string; content: object };
      responses: Record<string, { content: object }>;
    };
    expect(Object.keys(stream.requestBody.content)).toEqual(["application/x-ndjson"]);
    expect(Object.keys(stream.responses["200"]?.content ?? {})).toEqual(["application/x-ndjson"]);
    expect(Object.keys(stream.responses["default"]?.content ?? {})).toEqual(["application/json"]);
    expect(stream.requestBody.description).toContain("of one line, of at most 1048576 bytes");
  });

  it("marks sealed fields, so that a reader knows plaintext is refused", () => {
    expect(JSON.stringify(document.paths["/v1/runs"]?.["post"])).toContain(
      '"format":"sealed-parameters"',
    );
  });
});
