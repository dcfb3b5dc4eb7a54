import { expect, it } from "vitest";
import { ApiError, toError } from "../platform/api";
import { errorText } from "./errors";

it.each<[Error, RegExp]>([
  [new ApiError(404, "ResourceNotFoundException", "no such item"), /not found: no such item/],
  [new ApiError(429, "429", "Too Many Requests"), /^Too many requests/],
  [new ApiError(503, "ServiceUnavailableException", "busy"), /service failed \(503\)/],
  [new ApiError(400, "InvalidInputException", "userId is too long"), /^userId is too long$/],
  [new TypeError("Failed to fetch"), /cannot be reached/],
  [new SyntaxError("Unexpected token <"), /unreadable response/],
  [toError("odd"), /^odd$/],
])("%o has a text for shoppers", (error, sentence) => {
  expect(errorText(error)).toMatch(sentence);
});
