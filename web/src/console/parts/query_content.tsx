import type { ComponentChildren } from "preact";
import { ApiError } from "../../platform/api";
import type { QueryResult } from "../context";
import { Timestamp } from "./elements";
import { Icon } from "./icons";

/** The content of a query: placeholders during loading, an error with a retry, or its data, with a note if stale. */
export function QueryContent<T>(props: {
  query: QueryResult<T>;
  content: string;
  skeletonLines?: number;
  children: (data: T) => ComponentChildren;
}) {
  const { query, content, skeletonLines = 3, children } = props;
  if (query.data === null) {
    return query.error ? (
      <ErrorCard error={query.error} content={content} retry={query.refresh} />
    ) : (
      <Skeleton lines={skeletonLines} content={content} />
    );
  }
  return (
    <>
      {query.error && query.loadedMs !== null && (
        <div class="note warn" role="status">
          <Icon name="warn" />
          <p>
            These {content} are from <Timestamp ms={query.loadedMs} />: {errorText(query.error)}
          </p>
          <button type="button" onClick={query.refresh}>
            Try again
          </button>
        </div>
      )}
      {children(query.data)}
    </>
  );
}

export function errorText(error: Error): string {
  return error instanceof ApiError ? `${error.message} (${error.type}, ${error.status})` : error.message;
}

function ErrorCard({ error, content, retry }: { error: Error; content: string; retry: () => void }) {
  return (
    <div class="card blank" role="alert">
      <span class="emblem bad">
        <Icon name="bad" />
      </span>
      <h2>The {content} could not be loaded</h2>
      <p>{errorText(error)}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function EmptyState({
  title,
  children,
  good = false,
}: {
  title: string;
  children?: ComponentChildren;
  good?: boolean;
}) {
  return (
    <div class="card blank">
      <span class={`emblem ${good ? "good" : "idle"}`}>
        <Icon name={good ? "good" : "idle"} />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

function Skeleton({ lines, content }: { lines: number; content: string }) {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">Loading the {content}</span>
      {Array.from({ length: lines }, (_, line) => (
        <div class="skeleton-line" key={line} aria-hidden="true" />
      ))}
    </div>
  );
}
