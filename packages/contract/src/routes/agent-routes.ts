import { z } from "zod";
import {
  ChildrenRequest,
  EnrolAnswer,
  EnrolRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  ReadChildrenRequest,
  ReleaseRequest,
  ReportAnswer,
  ReportRequest,
  SessionAnswer,
  SessionRequest,
  StandaloneAnswer,
  StandaloneRequest,
} from "../agent.ts";
import { ClaimAnswer, ClaimRequest } from "../lease.ts";
import { Count } from "../identifiers.ts";
import { route } from "../route.ts";
import { CreateOutcome, Run } from "../run.ts";

/** The agent protocol (design §6). Everything is dialled by the agent; nothing listens on its side. */
export const agentRoutes = {
  enrolAgent: route({
    method: "POST",
    path: "/v1/agent/enrol",
    summary: "Join a pool with a one-time token and the public half of the agent's own key",
    tag: "agent protocol",
    access: ["public"],
    body: EnrolRequest,
    response: EnrolAnswer,
    status: 201,
  }),
  openSession: route({
    method: "POST",
    path: "/v1/agent/session",
    summary: "Open a session; a restarted agent always opens a new one",
    tag: "agent protocol",
    access: ["agent"],
    body: SessionRequest,
    response: SessionAnswer,
    status: 201,
  }),
  claim: route({
    method: "POST",
    path: "/v1/agent/claim",
    summary: "Claim work; held up to `waitSeconds` when there is none",
    tag: "agent protocol",
    access: ["agent"],
    body: ClaimRequest,
    response: ClaimAnswer,
  }),
  report: route({
    method: "POST",
    path: "/v1/agent/report",
    summary:
      "Report transitions, task runs, log chunks, artifacts and metrics; idempotent, each item answered on its own",
    tag: "agent protocol",
    access: ["agent", "runner"],
    body: ReportRequest,
    response: ReportAnswer,
  }),
  heartbeat: route({
    method: "POST",
    path: "/v1/agent/heartbeat",
    summary:
      "Renew the leases of a session; the answer lists runs to cancel and runs that were fenced",
    tag: "agent protocol",
    access: ["agent", "runner"],
    body: HeartbeatRequest,
    response: HeartbeatAnswer,
  }),
  release: route({
    method: "POST",
    path: "/v1/agent/release",
    summary: "Give back unstarted leases; on drain end the session, and leave for good",
    tag: "agent protocol",
    access: ["agent", "runner"],
    body: ReleaseRequest,
    response: z.strictObject({ released: Count }),
  }),
  triggerChildren: route({
    method: "POST",
    path: "/v1/agent/children",
    summary: "Trigger runs from within a run that this agent holds; each is answered on its own",
    tag: "agent protocol",
    access: ["agent"],
    body: ChildrenRequest,
    response: z.strictObject({ outcomes: z.array(CreateOutcome) }),
  }),
  readChildren: route({
    method: "POST",
    path: "/v1/agent/children/read",
    summary: "Read runs that a run this agent holds has triggered; others are left out",
    tag: "agent protocol",
    access: ["agent"],
    body: ReadChildrenRequest,
    response: z.strictObject({ items: z.array(Run) }),
  }),
  openStandaloneRun: route({
    method: "POST",
    path: "/v1/runs/standalone",
    summary: "Record a run that a plain script executes itself",
    tag: "agent protocol",
    access: ["runner"],
    body: StandaloneRequest,
    response: StandaloneAnswer,
    status: 201,
  }),
};
