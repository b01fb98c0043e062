import { describe, expect, test } from "vitest";
import { parseFragment } from "./fragment.ts";

const keyset = { version: 1, workspaceId: "w", note: "päckchen ✓" };
const encoded = base64url(JSON.stringify(keyset));

function base64url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

describe("the fragment of a dev link", () => {
  test("yields the API key and the keyset", () => {
    expect(parseFragment(`#t=dnb_abc&k=${encoded}`)).toEqual({ apiKey: "dnb_abc", keyset });
  });

  test("may carry only one of the two", () => {
    expect(parseFragment("#t=dnb_abc")).toEqual({ apiKey: "dnb_abc", keyset: undefined });
    expect(parseFragment(`#k=${encoded}`)).toEqual({ apiKey: undefined, keyset });
  });

  test("leaves the API key usable when the keyset is cut short", () => {
    expect(parseFragment(`#t=dnb_abc&k=${encoded.slice(0, 9)}`)).toEqual({
      apiKey: "dnb_abc",
      keyset: undefined,
    });
  });

  test.each(["", "#", "#logs", "#line=12"])("ignores %j", (fragment) => {
    expect(parseFragment(fragment)).toBeUndefined();
  });
});
