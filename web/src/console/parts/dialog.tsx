import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { MAX_REASON_LENGTH } from "../../../../build/api_types";
import { toError } from "../../platform/api";
import { useModal } from "../../platform/modal";
import { Icon } from "./icons";
import { errorText } from "./query_content";

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/**
 * The browser's modal dialog, which focuses the first field and traps the focus. Escape closes the dialog and returns
 * the focus.
 */
export function Dialog({ title, close, children }: DialogProps) {
  const id = useId();
  return (
    <dialog {...useModal(close)} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet small" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** Return the length of a reason as the API counts it: in code points after trimming, not in UTF-16 units. */
export const reasonLength = (reason: string): number => [...reason.trim()].length;

interface ChangeFormProps {
  readonly verb: string;
  readonly reasonRequired?: boolean;
  readonly ready?: boolean;
  readonly children?: ComponentChildren;
  readonly cancel: () => void;
  /** Sends the change. The form shows a thrown error. */
  readonly submit: (reason: string) => Promise<void>;
}

export function ChangeForm({ verb, reasonRequired = true, ready = true, children, cancel, submit }: ChangeFormProps) {
  const id = useId();
  const [reason, setReason] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const length = reasonLength(reason);
  const tooLong = length > MAX_REASON_LENGTH;
  const send = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    setError(null);
    try {
      await submit(reason.trim());
    } catch (failure) {
      setError(toError(failure));
      setSending(false);
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
          {length} of {MAX_REASON_LENGTH} characters.
        </p>
      </div>
      {error && (
        <div class="note bad" role="alert">
          <Icon name="bad" />
          <p>{errorText(error)}</p>
        </div>
      )}
      <footer>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={sending || !ready || tooLong}>
          {sending ? "Sending…" : verb}
        </button>
      </footer>
    </form>
  );
}
