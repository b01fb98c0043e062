import type { SealContext } from "@downbeat/seal";
import { type SealFailure, sealFailureOf } from "@downbeat/seal/log";
import { useEffect, useState } from "react";
import type { z } from "zod";
import { useKey } from "../key/key-context.tsx";

export type Opened<T> =
  | { readonly status: "locked" }
  | { readonly status: "opening" }
  | { readonly status: "opened"; readonly value: T }
  | { readonly status: "failed"; readonly failure: SealFailure };

type Answer<T> = { readonly question: string; readonly opened: Opened<T> };

/**
 * Opens a sealed value with the key of this browser. The plaintext lives in the component's state and nowhere else: it
 * is gone when the component is, and when the key is locked.
 */
export function useOpened<T>(blob: string, context: SealContext, schema: z.ZodType<T>): Opened<T> {
  const { opener, state } = useKey();
  const [answer, setAnswer] = useState<Answer<T>>();
  const contextText = JSON.stringify(context);
  const question = `${contextText} ${blob}`;

  useEffect(() => {
    if (opener === undefined) return;
    let wanted = true;
    const settle = (opened: Opened<T>) => wanted && setAnswer({ question, opened });
    opener
      .open(blob, JSON.parse(contextText) as SealContext)
      .then((value) => settle({ status: "opened", value: schema.parse(value) }))
      .catch((error: unknown) => settle({ status: "failed", failure: sealFailureOf(error) }));
    return () => {
      wanted = false;
      setAnswer(undefined); // locked, or asked about something else: no plaintext stays behind
    };
  }, [opener, blob, contextText, question, schema]);

  if (state.status !== "unlocked") return { status: "locked" };
  return answer?.question === question ? answer.opened : { status: "opening" };
}
