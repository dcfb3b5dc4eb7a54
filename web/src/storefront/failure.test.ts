import { expect, it } from "vitest";
import { ApiError } from "../platform/api";
import { asError, failureSentence } from "./failure";

it.each<[Error, RegExp]>([
  [new ApiError(404, "ResourceNotFoundException", "no such item"), /not found: no such item/],
  [new ApiError(429, "429", "Too Many Requests"), /more requests than it takes/],
  [new ApiError(503, "ServiceUnavailableException", "busy"), /does not answer as it should \(503\)/],
  [new ApiError(400, "InvalidInputException", "userId is too long"), /^userId is too long$/],
  [new TypeError("Failed to fetch"), /cannot be reached/],
  [new SyntaxError("Unexpected token <"), /cannot be read/],
  [asError("odd"), /^odd$/],
])("%o is said in people's words", (error, sentence) => {
  expect(failureSentence(error)).toMatch(sentence);
});
