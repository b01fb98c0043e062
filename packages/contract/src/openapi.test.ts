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

  it("marks sealed fields, so that a reader knows plaintext is refused", () => {
    expect(JSON.stringify(document.paths["/v1/runs"]?.["post"])).toContain(
      '"format":"sealed-parameters"',
    );
  });
});
