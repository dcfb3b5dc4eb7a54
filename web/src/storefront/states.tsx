import type { ComponentChildren } from "preact";
import { errorText } from "./errors";

interface ErrorStateProps {
  readonly content: string;
  readonly error: Error;
  readonly retry: () => void;
  /** True if the message is the only content of the page. */
  readonly fullPage?: boolean;
}

export function ErrorState({ content, error, retry, fullPage = false }: ErrorStateProps) {
  return (
    <div class="notice bad" role="alert">
      <Title fullPage={fullPage}>{content} cannot be shown</Title>
      <p>{errorText(error)}.</p>
      <button type="button" class="primary" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

interface EmptyStateProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly fullPage?: boolean;
}

export function EmptyState({ title, children, fullPage = false }: EmptyStateProps) {
  return (
    <div class="notice">
      <Title fullPage={fullPage}>{title}</Title>
      {children}
    </div>
  );
}

function Title({ fullPage, children }: { readonly fullPage: boolean; readonly children: ComponentChildren }) {
  return fullPage ? <h1 class="notice-title">{children}</h1> : <p class="notice-title">{children}</p>;
}
