import { z } from "zod";
import { Count, Name } from "../identifiers.ts";
import { AcquireAnswer, AcquireRequest, Limit, LimitSpec, ReleaseSlotsRequest } from "../limit.ts";
import { pageOf, pageQuery } from "../paging.ts";
import { route } from "../route.ts";

const limitParams = z.strictObject({ limitName: Name });

export const limitRoutes = {
  listLimits: route({
    method: "GET",
    path: "/v1/limits",
    summary: "List named limits with how many of their slots are taken",
    tag: "limits",
    access: ["viewer"],
    query: z.strictObject(pageQuery),
    response: pageOf(Limit),
  }),
  readLimit: route({
    method: "GET",
    path: "/v1/limits/:limitName",
    summary: "Read a named limit",
    tag: "limits",
    access: ["viewer"],
    params: limitParams,
    response: Limit,
  }),
  setLimit: route({
    method: "PUT",
    path: "/v1/limits/:limitName",
    summary: "Make or change a named limit; slots taken already stay taken",
    tag: "limits",
    access: ["developer"],
    params: limitParams,
    body: LimitSpec,
    response: Limit,
  }),
  removeLimit: route({
    method: "DELETE",
    path: "/v1/limits/:limitName",
    summary: "Remove a named limit that no deployment lists",
    tag: "limits",
    access: ["developer"],
    params: limitParams,
    response: Limit,
  }),
  acquireSlots: route({
    method: "POST",
    path: "/v1/agent/slots",
    summary:
      "Take a slot of each limit, by its name or tag, for a task, all or none; idempotent by request id",
    tag: "agent protocol",
    access: ["agent", "runner"],
    body: AcquireRequest,
    response: AcquireAnswer,
  }),
  releaseSlots: route({
    method: "POST",
    path: "/v1/agent/slots/release",
    summary: "Give slots back; those of a run that ended are back already",
    tag: "agent protocol",
    access: ["agent", "runner"],
    body: ReleaseSlotsRequest,
    response: z.strictObject({ released: Count }),
  }),
};
