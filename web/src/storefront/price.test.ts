import { expect, it } from "vitest";
import { priceText } from "./price";

it("states prices in the shop's currency, if one is set", () => {
  expect(priceText(12.5, "EUR")).toMatch(/€/);
  expect(priceText(1234.5)).toMatch(/^1.?234[.,]50$/);
  expect(priceText(null, "EUR")).toBe("no price");
});
