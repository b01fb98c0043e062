import { DownbeatError } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { answerProblem, toDownbeatError } from "./problem.ts";

const answer = (error: unknown) => answerProblem(toDownbeatError(error), "request-1");

describe("problems", () => {
  it("keep code, message, remedy and issues of what a caller can mend", () => {
    const issues = [{ path: "flowName", message: "is missing" }];
    const { status, problem } = answer(
      new DownbeatError("validation_failed", { message: "Look here.", issues }),
    );
    expect(status).toBe(400);
    expect(problem).toMatchObject({
      code: "validation_failed",
      message: "Look here.",
      requestId: "request-1",
      issues,
    });
  });

  it("say nothing of what broke inside", () => {
    const broken = new Error(`insert into flow_run failed for "Ada's payroll"`);
    const { status, problem } = answer(broken);
    expect(status).toBe(500);
    expect(JSON.stringify(problem)).not.toContain("payroll");
    expect(toDownbeatError(broken).cause).toBe(broken);
  });

  it("answer a lost database with 503 and when to come back", () => {
    const lost = new DownbeatError("database_unreachable", { message: "at db.internal:5432" });
    expect(answer(lost)).toMatchObject({
      status: 503,
      retryAfterSeconds: 2,
      problem: { code: "unavailable" },
    });
    expect(JSON.stringify(answer(lost).problem)).not.toContain("db.internal");
  });

  it("put what the server refuses by itself into the catalogue's words", () => {
    const tooLarge = Object.assign(new Error("large"), {
      code: "FST_ERR_CTP_BODY_TOO_LARGE",
      statusCode: 413,
    });
    expect(answer(tooLarge)).toMatchObject({ status: 413, problem: { code: "payload_too_large" } });
    expect(answer(Object.assign(new Error("odd"), { statusCode: 400 }))).toMatchObject({
      status: 400,
    });
    expect(answer("a string")).toMatchObject({ status: 500 });
  });
});
