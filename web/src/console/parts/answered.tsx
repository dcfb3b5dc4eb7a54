import type { ComponentChildren } from "preact";
import { ApiError } from "../../platform/api";
import type { Watched } from "../context";
import { Icon } from "./icons";
import { When } from "./when";

/** A feed's content: placeholders while it loads, its failure with a retry, or its data, with a note if it is stale. */
export function Answered<T>(props: {
  feed: Watched<T>;
  what: string;
  bones?: number;
  children: (data: T) => ComponentChildren;
}) {
  const { feed, what, bones = 3, children } = props;
  if (feed.data === null) {
    return feed.error ? (
      <Failure error={feed.error} what={what} retry={feed.refresh} />
    ) : (
      <Bones lines={bones} what={what} />
    );
  }
  return (
    <>
      {feed.error && feed.loadedMs !== null && (
        <div class="note warn" role="status">
          <Icon name="warn" />
          <p>
            These {what} are from <When ms={feed.loadedMs} />: {sentence(feed.error)}
          </p>
          <button type="button" onClick={feed.refresh}>
            Try again
          </button>
        </div>
      )}
      {children(feed.data)}
    </>
  );
}

/** The message of an error, with the name that the API gives it. */
export function sentence(error: Error): string {
  return error instanceof ApiError ? `${error.message} (${error.type}, ${error.status})` : error.message;
}

function Failure({ error, what, retry }: { error: Error; what: string; retry: () => void }) {
  return (
    <div class="card blank" role="alert">
      <span class="emblem bad">
        <Icon name="bad" />
      </span>
      <h2>The {what} could not be loaded</h2>
      <p>{sentence(error)}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** Nothing is there, which is not a failure. */
export function Empty({
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

function Bones({ lines, what }: { lines: number; what: string }) {
  return (
    <div class="bones" role="status">
      <span class="visually-hidden">Loading the {what}</span>
      {Array.from({ length: lines }, (_, line) => (
        <div class="bone" key={line} aria-hidden="true" />
      ))}
    </div>
  );
}
