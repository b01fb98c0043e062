import type { ServerResponse } from "node:http";

export function problem(code: string): object {
  return { code, message: code, remedy: "", requestId: "test" };
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export const ENROLMENT_TOKEN = {
  token: `dnbenrol_${"0".repeat(32)}_${"A".repeat(43)}`,
  poolName: "default",
  expiresInSeconds: 600,
};
