import { ApiError } from "../platform/api";

/** Say what failed in people's words, with what the API said of it. */
export function failureSentence(error: Error): string {
  if (error instanceof ApiError) {
    if (error.status === 404) return `It was not found: ${error.message}`;
    if (error.status === 429) return "The shop gets more requests than it takes; try again in a moment";
    if (error.status >= 500) return `The shop's service does not answer as it should (${error.status})`;
    return error.message;
  }
  if (error instanceof TypeError) return "The shop's service cannot be reached"; // thrown by fetch
  if (error instanceof SyntaxError) return "The shop's service answers what cannot be read"; // a proxy's error page
  return error.message;
}

/** Anything that was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
