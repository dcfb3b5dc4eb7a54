import { useEffect } from "preact/hooks";
import { Icon } from "./parts/icons";

export interface Toast {
  readonly id: number;
  readonly message: string;
  readonly link?: { readonly href: string; readonly text: string } | undefined;
}

const SHOWN_MS = 12_000;

export function Toasts({ toasts, dismiss }: { toasts: readonly Toast[]; dismiss: (id: number) => void }) {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <ToastMessage key={toast.id} toast={toast} dismiss={() => dismiss(toast.id)} />
      ))}
    </div>
  );
}

function ToastMessage({ toast, dismiss }: { toast: Toast; dismiss: () => void }) {
  useEffect(() => {
    const timer = setTimeout(dismiss, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast.id]);
  return (
    <div class="toast">
      <p>
        {toast.message} {toast.link && <a href={toast.link.href}>{toast.link.text}</a>}
      </p>
      <button type="button" class="quiet small" aria-label="Dismiss" onClick={dismiss}>
        <Icon name="close" />
      </button>
    </div>
  );
}
