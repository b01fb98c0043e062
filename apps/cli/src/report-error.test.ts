import { PassThrough } from "node:stream";
import { DownbeatError } from "@downbeat/contract";
import { SealError } from "@downbeat/seal";
import { describe, expect, it } from "vitest";
import { Output } from "./output.ts";
import { asDownbeatError, reportError } from "./report-error.ts";

describe("reportError", () => {
  it("says what failed, where, why, and what to do next", () => {
    const error = new DownbeatError("parameters_invalid", {
      message: `The parameters do not fit flow "weather".`,
      issues: [{ path: "year", message: "is required" }],
      cause: new Error("deeper reason"),
      requestId: "req-1",
    });
    expect(reported(error, false)).toBe(
      [
        `error The parameters do not fit flow "weather". [parameters_invalid]`,
        "  year: is required",
        "  because deeper reason",
        "  next Correct the parameters named in `issues`.",
        "  request req-1",
        "",
      ].join("\n"),
    );
  });

  it("says the same as one JSON document with --json", () => {
    expect(
      JSON.parse(reported(new DownbeatError("unreachable", { message: "gone" }), true)),
    ).toEqual({
      error: { code: "unreachable", message: "gone", remedy: expect.stringContaining("network") },
    });
  });
});

describe("asDownbeatError", () => {
  it("gives a missing and a wrong key their codes and keeps their words", () => {
    const wrong = asDownbeatError(new SealError("wrong_key", "needs A; the key held is B"));
    expect([wrong.code, wrong.message]).toEqual(["key_wrong", "needs A; the key held is B"]);
    expect(asDownbeatError(new SealError("keyset_missing", "no file")).code).toBe("key_missing");
  });

  it("keeps an unknown error as the cause", () => {
    const cause = new TypeError("surprise");
    expect(asDownbeatError(cause)).toMatchObject({ code: "internal", message: "surprise", cause });
  });
});

function reported(error: DownbeatError, json: boolean): string {
  const stderr = new PassThrough();
  reportError(
    new Output({ json, quiet: false, noColor: true, stdout: new PassThrough(), stderr }),
    error,
  );
  return String(stderr.read());
}
