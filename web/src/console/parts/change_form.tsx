import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { sentence } from "./answered";
import { Icon } from "./icons";

const LONGEST_REASON = 500;

/** The length of a reason as the API counts it: code points after trimming, where a string counts UTF-16 units. */
export const reasonLength = (reason: string): number => [...reason.trim()].length;

interface Props {
  readonly verb: string;
  readonly reasonRequired?: boolean;
  /** True if the choices made so far permit the change. */
  readonly ready?: boolean;
  readonly children?: ComponentChildren;
  readonly cancel: () => void;
  /** Ask for the change; what it raises is shown as it is. */
  readonly submit: (reason: string) => Promise<void>;
}

/** The form of every change, with a reason that is stored with it. The dialog shows a refusal in the API's words. */
export function ChangeForm({ verb, reasonRequired = true, ready = true, children, cancel, submit }: Props) {
  const id = useId();
  const [reason, setReason] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [going, setGoing] = useState(false);
  const length = reasonLength(reason);
  const tooLong = length > LONGEST_REASON;
  const send = async (event: Event) => {
    event.preventDefault();
    setGoing(true);
    setError(null);
    try {
      await submit(reason.trim());
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setGoing(false);
    }
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      {children}
      <div class="field">
        <label for={`${id}-reason`}>Reason{reasonRequired ? "" : " (optional)"}</label>
        <textarea
          id={`${id}-reason`}
          rows={3}
          required={reasonRequired}
          value={reason}
          aria-describedby={`${id}-hint`}
          aria-invalid={tooLong}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <p class={tooLong ? "hint bad" : "hint"} id={`${id}-hint`} role={tooLong ? "alert" : undefined}>
          {tooLong ? "The reason is too long: " : "Stored with the change: "}
          {length} of {LONGEST_REASON} characters.
        </p>
      </div>
      {error && (
        <div class="note bad" role="alert">
          <Icon name="bad" />
          <p>{sentence(error)}</p>
        </div>
      )}
      <footer>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={going || !ready || tooLong}>
          {going ? "Sending…" : verb}
        </button>
      </footer>
    </form>
  );
}
