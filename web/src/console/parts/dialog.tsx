import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icons";

interface Props {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/**
 * The platform's own modal dialog: it holds the focus, which begins at the first field, Escape closes it, and the focus
 * goes back to where it was.
 */
export function Dialog({ title, close, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("input:enabled, select:enabled, textarea:enabled")?.focus();
    return () => giveBack(before);
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={close}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet small" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** Focus what had the focus before; the view's heading where that is gone, or goes with what the dialog has done. */
function giveBack(before: Element | null): void {
  const focusHeading = () => document.querySelector<HTMLElement>("main h1")?.focus();
  if (!(before instanceof HTMLElement && before.isConnected)) {
    focusHeading();
    return;
  }
  before.focus();
  const watch = new MutationObserver(() => {
    if (!before.isConnected) {
      stop();
      focusHeading();
    }
  });
  const stop = () => {
    watch.disconnect();
    document.removeEventListener("focusin", stop);
  };
  watch.observe(document.body, { childList: true, subtree: true });
  document.addEventListener("focusin", stop);
}
