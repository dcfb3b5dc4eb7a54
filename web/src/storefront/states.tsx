import type { ComponentChildren } from "preact";
import { failureSentence } from "./failure";

interface ErrorStateProps {
  readonly what: string;
  readonly error: Error;
  readonly retry: () => void;
}

/** Something cannot be shown; it can be tried again. */
export function ErrorState({ what, error, retry }: ErrorStateProps) {
  return (
    <div class="notice bad" role="alert">
      <p class="notice-title">{what} cannot be shown</p>
      <p>{failureSentence(error)}.</p>
      <button type="button" class="primary" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** There is nothing here, and what to do about it. */
export function EmptyState({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children}
    </div>
  );
}
