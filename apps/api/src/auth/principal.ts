import { DownbeatError, ROLES, type Access, type Role } from "@downbeat/contract";

/** Who is asking, as the access token says. */
export type Principal = {
  readonly kind: "api-key" | "agent";
  readonly id: string;
  readonly role: Role | "agent";
  readonly workspaceId: string;
  /** The pool an agent has joined; undefined for API keys. */
  readonly poolId: string | undefined;
};

/** Whether a principal of this role may use a route. A role may do what the ones before it may; `agent` stands apart. */
export function mayCall(role: Principal["role"], access: readonly Access[]): boolean {
  return access.some((needed) => {
    if (needed === "public") return true;
    if (needed === "agent" || role === "agent") return needed === role;
    return ROLES.indexOf(role) >= ROLES.indexOf(needed);
  });
}

/** @throws {DownbeatError} role_insufficient, naming the role that is needed. */
export function requireAccess(role: Principal["role"], access: readonly Access[]): void {
  if (mayCall(role, access)) return;
  const message = `This needs the role ${access.map((name) => `"${name}"`).join(" or ")}; these credentials have "${role}".`;
  throw new DownbeatError("role_insufficient", { message });
}
