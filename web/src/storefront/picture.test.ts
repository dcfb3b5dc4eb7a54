import { describe, expect, it } from "vitest";
import { glyph, hash, hue, initials } from "./picture";

describe("the picture of a category", () => {
  it("are the same every time", () => {
    expect(hash("")).toBe(0x811c9dc5); // FNV-1a's offset basis, and its published test vector
    expect(hash("a")).toBe(0xe40c292c);
    expect(hue("Produce")).toBe(hue("PRODUCE"));
  });

  it("differ between categories", () => {
    const hues = ["Grocery", "Produce", "Meat", "Deli", "Pastry", "Drug gm", "Nutrition", "Cosmetics"].map(hue);
    expect(new Set(hues).size).toBe(hues.length);
    expect(hues.every((degrees) => degrees >= 0 && degrees < 360)).toBe(true);
  });

  it("have the glyph of the narrowest words", () => {
    expect(glyph(["Fluid milk products", "Grocery"])).toBe("milk");
    expect(glyph(["Tropical fruit", "Produce"])).toBe("apple");
    expect(glyph([null, "Grocery"])).toBe("can");
    expect(glyph(["Miscellaneous", null])).toBeNull();
  });
});

describe("the initials of a title", () => {
  it("come from its first two significant words", () => {
    expect(initials("The Name of the Wind")).toBe("NW");
    expect(initials("A Tale of Two Cities")).toBe("TT");
    expect(initials("dune")).toBe("D");
    expect(initials("“Élan” 2")).toBe("É2");
  });

  it("may come from stop words if there are no others", () => {
    expect(initials("The")).toBe("T");
    expect(initials("…")).toBe("");
  });
});
