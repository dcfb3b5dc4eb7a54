import { describe, expect, it } from "vitest";
import { glyph, hash, hue, titleLines } from "./picture";
import { fromItem } from "./product";

const drawn = (title: string, categoryL1: string | null, categoryL2: string | null = null) =>
  glyph(fromItem({ itemId: "7", properties: { title, categoryL1, categoryL2 } }));

describe("the picture of a category", () => {
  it("has the same hash every time", () => {
    expect(hash("")).toBe(0x811c9dc5); // FNV-1a's offset basis, and its published test vector
    expect(hash("a")).toBe(0xe40c292c);
    expect(hue("Produce")).toBe(hue("PRODUCE"));
  });

  it("differs between categories", () => {
    const hues = ["Grocery", "Produce", "Meat", "Deli", "Pastry", "Drug gm", "Nutrition", "Cosmetics"].map(hue);
    expect(new Set(hues).size).toBe(hues.length);
    expect(hues.every((degrees) => degrees >= 0 && degrees < 360)).toBe(true);
  });

  it("has the glyph of the narrowest words", () => {
    expect(drawn("2%", "GROCERY", "FLUID MILK PRODUCTS")).toBe("milk");
    expect(drawn("Figs", "Produce", "Tropical fruit")).toBe("apple");
    expect(drawn("Lentils", "Grocery")).toBe("can");
    expect(drawn("Napkins", "Miscellaneous")).toBeNull();
  });

  it.each([
    ["The Silent Kitchen", null],
    ["Bread of Heaven", "Fantasy"],
    ["A Tale of Two Cities", "Fairy tales"],
    ["Cold Mountain", "Food & drink"],
    ["Gardens of the Moon", "Health"],
    ["The Name of the Rose", "Gardening"],
  ])("has no grocer's glyph in other shops: %s in %s", (title, category) => {
    expect(drawn(title, category)).toBeNull();
  });
});

describe("the drawing of a title", () => {
  it("has short lines", () => {
    expect(titleLines("The Name of the Wind")).toEqual(["The Name of", "the Wind"]);
    expect(titleLines("Dune")).toEqual(["Dune"]);
    expect(titleLines("")).toEqual([]);
  });

  it("ends in an ellipsis if words or letters are left", () => {
    expect(titleLines("Donaudampfschifffahrt")).toEqual(["Donaudampfsc…"]);
    expect(titleLines("One two three four five six seven eight nine ten eleven")).toEqual([
      "One two three",
      "four five six",
      "seven eight",
      "nine ten…",
    ]);
  });
});
