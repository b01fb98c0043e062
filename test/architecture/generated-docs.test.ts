import {
  ERRORS,
  ROUTES,
  type RouteSpec,
  STATE_REASONS,
  unlabelledFields,
  WAITING_CODES,
} from "@downbeat/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { renderDataBoundary } from "./render-data-boundary.ts";
import { renderErrors } from "./render-errors.ts";
import { compileSdk, renderSdkApi, undocumentedExports } from "./render-sdk-api.ts";
import { renderStates } from "./render-states.ts";
import { ROOT } from "./source-files.ts";

// `pnpm docs:write` writes these pages anew.
describe("docs/errors.md", () => {
  it("is what the catalogue says", async () => {
    await expect(renderErrors()).toMatchFileSnapshot(`${ROOT}/docs/errors.md`);
  });

  it("names every code of the catalogue, and no other", () => {
    const named = [...renderErrors().matchAll(/^\| `(\w+)` \|/gm)].flatMap(
      ([, code]) => code ?? [],
    );
    expect(named.toSorted()).toEqual(Object.keys(ERRORS).toSorted());
  });
});

describe("docs/states.md", () => {
  it("is what the tables say", async () => {
    await expect(renderStates()).toMatchFileSnapshot(`${ROOT}/docs/states.md`);
  });

  it("names every reason, and no other", () => {
    const named = [...renderStates().matchAll(/^\| `(\w+)` \|/gm)].flatMap(
      ([, code]) => code ?? [],
    );
    expect(named).toEqual(Object.keys(STATE_REASONS));
  });

  it("names every reason to wait, and no other", () => {
    const named = [...renderStates().matchAll(/^\| [A-Z]+ \| `(\w+)` \|/gm)].flatMap(
      ([, code]) => code ?? [],
    );
    expect(named.toSorted()).toEqual(WAITING_CODES.toSorted());
  });
});

describe("docs/data-boundary.md", () => {
  it("is what the labels say", async () => {
    await expect(renderDataBoundary()).toMatchFileSnapshot(`${ROOT}/docs/data-boundary.md`);
  });
});

describe("docs/sdk-api.md", () => {
  beforeAll(compileSdk, 60_000);

  it("is what the SDK exports", async () => {
    await expect(renderSdkApi()).toMatchFileSnapshot(`${ROOT}/docs/sdk-api.md`);
  });

  it("says of every export what it is", () => {
    expect(undocumentedExports()).toEqual([]);
  });
});

describe("the contract", () => {
  const routes = Object.entries(ROUTES) as [string, RouteSpec][];

  it.each(routes)("labels every field of %s", (_name, route) => {
    const schemas = [route.params, route.query, route.body, route.response];
    expect(schemas.flatMap((schema) => (schema ? unlabelledFields(schema) : []))).toEqual([]);
  });
});
