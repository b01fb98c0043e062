import { z } from "zod";
import { plain } from "./boundary.ts";
import { BlindTag, ErrorClass, Id, Instant, Name } from "./identifiers.ts";
import { StateReason } from "./reason.ts";
import type { Sealed } from "./sealed.ts";
import { StateName, StateType } from "./state.ts";
import { fieldsOf } from "./unlabelled-fields.ts";

/** True when something sealed stands anywhere in a type. */
type HoldsSealed<T> = T extends Sealed
  ? true
  : T extends readonly (infer Item)[]
    ? HoldsSealed<Item>
    : T extends object
      ? true extends { [K in keyof T]-?: HoldsSealed<T[K]> }[keyof T]
        ? true
        : false
      : false;

/**
 * Declares what may be told to systems further out than the plane, such as webhooks: metadata and links. A schema that
 * holds a sealed field does not compile here, and one with a field that is not labelled plain is refused when it is made:
 * whoever receives an event has no key, and sealed content would only pile up where nobody needs it.
 *
 * @throws Error naming the fields that are not plain
 */
export function outgoing<S extends z.ZodObject>(
  schema: true extends HoldsSealed<z.output<S>> ? never : S,
): z.core.$ZodBranded<S, "outgoing"> {
  const refused = fieldsOf(schema).filter(({ label }) => label?.boundary !== "plain");
  if (refused.length > 0) {
    const names = refused.map(({ path }) => path).join(", ");
    throw new Error(`Only plain fields go further out than the plane; not ${names}.`);
  }
  return (schema as S).brand<"outgoing">();
}

// A link names a page and nothing else: no query, no fragment, in which content could travel.
const Link = plain(z.url({ protocol: /^https?$/ }).regex(/^[^?#]*$/, "must have no ? and no #"));

/** What a webhook or an alert is told: who, what, when and where to look. Never content. */
export const OutgoingEvent = outgoing(
  z.strictObject({
    id: Id,
    kind: plain(z.enum(["run.state_changed", "agent.online", "agent.offline"])),
    at: Instant,
    workspaceId: Id,
    run: z
      .strictObject({
        id: Id,
        flowName: Name,
        deploymentName: Name.nullable(),
        stateType: StateType,
        stateName: StateName,
        reason: StateReason,
        errorClass: ErrorClass.nullable(),
        errorFingerprint: BlindTag.nullable(),
      })
      .nullable(),
    agent: z.strictObject({ id: Id, name: Name, poolName: Name }).nullable(),
    /** The page about it. */
    url: Link,
  }),
);
export type OutgoingEvent = z.output<typeof OutgoingEvent>;
