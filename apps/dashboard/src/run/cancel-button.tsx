import type { Run } from "@downbeat/contract";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type MouseEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { usePrincipal } from "../session/principal-context.ts";
import { focusContent } from "../ui/content.ts";
import { wordsOf } from "../ui/words-of.ts";

/** Asks once more, then asks the API. What then happens shows in the run's state. */
export function CancelButton({ run }: { run: Run }) {
  const [asking, setAsking] = useState(false);
  const place = useFocusWithin(asking);
  const mayCancel = usePrincipal().role !== "viewer";
  return (
    <span ref={place} className="confirm">
      {asking ? (
        <Question run={run} onNo={() => setAsking(false)} />
      ) : (
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
      )}
    </span>
  );
}

function Question({ run, onNo }: { run: Run; onNo: () => void }) {
  const caller = useCaller();
  const queryClient = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => caller.call("cancelRun", { params: { runId: run.id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["run", run.id] }),
  });

  const isAnswered = cancel.isPending || cancel.isSuccess;

  function confirm({ detail: clicks }: MouseEvent) {
    // The second click of a double click on "Cancel run" lands here, and answers nothing.
    if (!isAnswered && clicks < 2) cancel.mutate();
  }

  return (
    <span className="confirm" role="group" aria-label="Cancel this run?" tabIndex={-1}>
      <span role={cancel.error === null ? undefined : "alert"}>
        {cancel.error === null ? "Cancel this run?" : wordsOf(cancel.error)}
      </span>
      <button
        type="button"
        className="button button--danger"
        // Not `disabled`: the button would lose the focus.
        aria-disabled={isAnswered}
        onClick={confirm}
      >
        {isAnswered ? "Cancelling…" : "Yes, cancel it"}
      </button>
      {!isAnswered && (
        <button type="button" className="button" onClick={onNo}>
          No
        </button>
      )}
    </span>
  );
}

/** The focus goes from the button to the question, back when the answer is no, and to the content when there is nothing left to cancel. */
function useFocusWithin(asking: boolean): { current: HTMLSpanElement | null } {
  const place = useRef<HTMLSpanElement>(null);
  const asked = useRef(asking);
  useEffect(() => {
    if (asked.current !== asking) focusFirst(place.current);
    asked.current = asking;
  }, [asking]);
  useLayoutEffect(() => {
    const held = place.current;
    return () => {
      if (held?.contains(document.activeElement) === true) focusContent();
    };
  }, []);
  return place;
}

function focusFirst(place: Element | null): void {
  const first = place?.firstElementChild;
  if (first instanceof HTMLElement) first.focus();
}
