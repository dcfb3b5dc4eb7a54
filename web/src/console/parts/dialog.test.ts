import { expect, it } from "vitest";
import { reasonLength } from "./dialog";

it("a reason has as many characters as the API counts", () => {
  expect(reasonLength(`  ${"x".repeat(500)} `)).toBe(500);
  expect(reasonLength("🧦🧦")).toBe(2);
});
