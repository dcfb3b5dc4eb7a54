import { describe, expect, it } from "vitest";
import { findUsers, greeting, newGuest, parseShopper, shopperName, userLine } from "./shopper";

const rows = [
  { userId: "12", updatedAt: 0, properties: { age: "65+", householdSize: 2 } },
  { userId: "2", updatedAt: 0, properties: { age: "25-34" } },
  { userId: "1", updatedAt: 0, properties: {} },
];

describe("shoppers", () => {
  it("are created without a name", () => {
    const guest = newGuest(() => "0f8fad5b-d9cb-469f-a165-70867728950e");
    expect(guest).toEqual({ id: "guest-0f8fad5b", anonymous: true });
    expect(parseShopper(guest.id)).toEqual(guest);
    expect(shopperName(guest)).toBe("Guest 0f8fad5b");
    expect(shopperName(parseShopper("42"))).toBe("Shopper 42");
  });

  it("are greeted by their ids as they are", () => {
    expect(greeting(parseShopper("ANA"))).toBe("Good to see you, shopper ANA");
    expect(greeting(parseShopper("guest-1"))).toBe("Welcome");
  });

  it("are found by id, the nearest first", () => {
    expect(findUsers(rows, "2", 5).map((row) => row.userId)).toEqual(["2", "12"]);
    expect(findUsers(rows, "", 2).map((row) => row.userId)).toEqual(["1", "2"]);
  });

  it("are found by their properties", () => {
    expect(findUsers(rows, "65+ 2", 5).map((row) => row.userId)).toEqual(["12"]);
    expect(userLine(rows[0] ?? { userId: "", updatedAt: 0, properties: {} })).toBe("65+ · 2");
  });
});
