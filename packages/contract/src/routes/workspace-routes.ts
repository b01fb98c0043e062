import { z } from "zod";
import { plain } from "../boundary.ts";
import { Count, Id, Instant, Name, text } from "../identifiers.ts";
import { pageOf, pageQuery } from "../paging.ts";
import { route } from "../route.ts";
import {
  ApiKey,
  ApiKeyText,
  KeyRotation,
  Principal,
  Role,
  Workspace,
  WorkspacePublicKey,
  WrappedDataKey,
} from "../workspace.ts";

const TokenRequest = z.discriminatedUnion("grant", [
  z.strictObject({ grant: plain(z.literal("api_key")), apiKey: plain(text(1, 200)) }),
  z.strictObject({
    grant: plain(z.literal("agent_assertion")),
    assertion: plain(text(1, 4096)),
  }),
]);

export const workspaceRoutes = {
  exchangeToken: route({
    method: "POST",
    path: "/v1/auth/token",
    summary: "Exchange an API key, or an agent's signed assertion, for a ten-minute access token",
    tag: "auth",
    access: ["public"],
    body: TokenRequest,
    response: z.strictObject({ accessToken: plain(z.string()), expiresInSeconds: Count }),
  }),
  whoAmI: route({
    method: "GET",
    path: "/v1/me",
    summary: "Who these credentials are, and their workspace",
    tag: "auth",
    access: ["viewer", "agent"],
    response: Principal,
  }),
  setWorkspaceKey: route({
    method: "PUT",
    path: "/v1/workspace/key",
    summary: "Register the workspace's public key (once; the private half never travels)",
    tag: "workspace",
    access: ["admin"],
    body: WorkspacePublicKey,
    response: Workspace,
  }),
  rotateWorkspaceKey: route({
    method: "POST",
    path: "/v1/workspace/key/rotations",
    summary: "Make another public key the workspace's, provided `fromKeyId` is the current one",
    tag: "workspace",
    access: ["admin"],
    body: KeyRotation.omit({ createdAt: true }),
    response: Workspace,
    status: 201,
  }),
  listKeyRotations: route({
    method: "GET",
    path: "/v1/workspace/key/rotations",
    summary: "How the workspace's public key came to be the current one, oldest step first",
    tag: "workspace",
    access: ["viewer", "agent"],
    response: z.strictObject({ items: z.array(KeyRotation) }),
  }),
  createDataKeys: route({
    method: "POST",
    path: "/v1/data-keys",
    summary: "Store wrapped data keys; storing one again changes nothing",
    tag: "workspace",
    access: ["runner", "agent"],
    body: z.strictObject({ dataKeys: z.array(WrappedDataKey).min(1).max(100) }),
    response: z.strictObject({ stored: Count }),
    status: 201,
  }),
  readDataKeys: route({
    method: "GET",
    path: "/v1/data-keys",
    summary: "Read wrapped data keys by id (comma-separated)",
    tag: "workspace",
    access: ["viewer", "agent"],
    query: z.strictObject({
      ids: plain(
        z.preprocess(
          (value) => (typeof value === "string" ? value.split(",") : value),
          z.array(Id).min(1).max(100),
        ),
      ),
    }),
    response: z.strictObject({ dataKeys: z.array(WrappedDataKey) }),
  }),
  listDataKeys: route({
    method: "GET",
    path: "/v1/workspace/data-keys",
    summary: "List all wrapped data keys, to check them or to wrap them anew",
    tag: "workspace",
    access: ["viewer"],
    query: z.strictObject({
      after: Id.optional(),
      limit: plain(z.coerce.number().int().min(1).max(100)).default(100),
    }),
    response: z.strictObject({
      items: z.array(WrappedDataKey),
      /** To pass as `after`; null when there are no more. */
      nextAfter: Id.nullable(),
    }),
  }),
  rewrapDataKeys: route({
    method: "PUT",
    path: "/v1/workspace/data-keys",
    summary: "Replace the wraps of stored data keys after a rotation; unknown ids are left out",
    tag: "workspace",
    access: ["admin"],
    body: z.strictObject({ dataKeys: z.array(WrappedDataKey).min(1).max(100) }),
    response: z.strictObject({ rewrapped: Count }),
  }),
  createApiKey: route({
    method: "POST",
    path: "/v1/api-keys",
    summary: "Create an API key; its text is shown once, here",
    tag: "auth",
    access: ["admin"],
    body: z.strictObject({ name: Name, role: Role, expiresAt: Instant.nullable().default(null) }),
    response: z.strictObject({ apiKey: ApiKey, text: ApiKeyText }),
    status: 201,
  }),
  listApiKeys: route({
    method: "GET",
    path: "/v1/api-keys",
    summary: "List API keys, without their secrets",
    tag: "auth",
    access: ["admin"],
    query: z.strictObject(pageQuery),
    response: pageOf(ApiKey),
  }),
  revokeApiKey: route({
    method: "DELETE",
    path: "/v1/api-keys/:apiKeyId",
    summary: "Revoke an API key",
    tag: "auth",
    access: ["admin"],
    params: z.strictObject({ apiKeyId: Id }),
    response: ApiKey,
  }),
};
