import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Return the properties of a modal dialog that is open while its component is mounted. The dialog focuses the first
 * field and traps the focus. Escape calls `close`, which removes the component and returns the focus.
 */
export function useModal(close: () => void) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    const before = document.activeElement;
    element?.showModal();
    element?.querySelector<HTMLElement>("input:enabled, select:enabled, textarea:enabled")?.focus();
    return () => {
      element?.close(); // an open modal dialog keeps the focus
      restoreFocus(before);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // the browser's event `close` comes later and would undo a key press in between
    close();
  };
  return { ref, onKeyDown, onClose: () => ref.current && close() };
}

/** Return the focus to the earlier element, or to the heading of the view if that element is or will be removed. */
function restoreFocus(before: Element | null): void {
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
