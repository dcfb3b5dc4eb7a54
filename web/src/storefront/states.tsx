import type { ComponentChildren } from "preact";
import { failureSentence } from "./failure";

interface ErrorStateProps {
  readonly what: string;
  readonly error: Error;
  readonly retry: () => void;
  /** True if the page has nothing else. */
  readonly alone?: boolean;
}

/** Something cannot be shown; it can be tried again. */
export function ErrorState({ what, error, retry, alone = false }: ErrorStateProps) {
  return (
    <div class="notice bad" role="alert">
      <Title alone={alone}>{what} cannot be shown</Title>
      <p>{failureSentence(error)}.</p>
      <button type="button" class="primary" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

interface EmptyStateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly alone?: boolean;
}

/** There is nothing here, and what to do about it. */
export function EmptyState({ title, children, alone = false }: EmptyStateProps) {
  return (
    <div class="notice">
      <Title alone={alone}>{title}</Title>
      {children}
    </div>
  );
}

function Title({ alone, children }: { readonly alone: boolean; readonly children: ComponentChildren }) {
  return alone ? <h1 class="notice-title">{children}</h1> : <p class="notice-title">{children}</p>;
}
