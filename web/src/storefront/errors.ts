import { AlsolikeError } from "../../sdk/src/index.ts";
import { ApiError } from "../platform/api";

export function errorText(error: Error): string {
  if (error instanceof ApiError || error instanceof AlsolikeError) {
    if (error.status === 0) return "The shop's service cannot be reached";
    if (error.status === 404) return `It was not found: ${error.message}`;
    if (error.status === 429) return "Too many requests; try again in a moment";
    if (error.status >= 500) return `The shop's service failed (${error.status})`;
    return error.message;
  }
  if (error instanceof TypeError) return "The shop's service cannot be reached"; // thrown by fetch
  if (error instanceof SyntaxError) return "The shop's service sent an unreadable response"; // a proxy's error page
  return error.message;
}
