import type { Run } from "@downbeat/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { usePrincipal } from "../session/principal-context.ts";
import { wordsOf } from "../ui/words-of.ts";

/** Asks once more, then asks the API. What then happens shows in the run's state. */
export function CancelButton({ run }: { run: Run }) {
  const [asking, setAsking] = useState(false);
  const caller = useCaller();
  const queryClient = useQueryClient();
  const mayCancel = usePrincipal().role !== "viewer";
  const cancel = useMutation({
    mutationFn: () => caller.call("cancelRun", { params: { runId: run.id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["run", run.id] }),
  });

  if (!asking) {
    return (
      <button
        type="button"
        className="button button--danger"
        disabled={!mayCancel}
        title={
          mayCancel
            ? undefined
            : "Your API key may only look. A key with the role runner may cancel."
        }
        onClick={() => setAsking(true)}
      >
        Cancel run
      </button>
    );
  }
  return (
    <span className="confirm" role="group" aria-label="Cancel this run?">
      {cancel.error === null ? "Cancel this run?" : wordsOf(cancel.error)}
      <button
        type="button"
        className="button button--danger"
        disabled={cancel.isPending || cancel.isSuccess}
        onClick={() => cancel.mutate()}
      >
        {cancel.isIdle || cancel.isError ? "Yes, cancel it" : "Cancelling…"}
      </button>
      <button type="button" className="button" onClick={() => setAsking(false)}>
        No
      </button>
    </span>
  );
}
