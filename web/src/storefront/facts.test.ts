import { describe, expect, it } from "vitest";
import { columnName, descriptionOf, factsOf } from "./facts";
import { fromItem } from "./product";

const CARDS = { subtitle: "AUTHOR", category: "GENRE" };
const TIMESTAMPS = new Set(["published", "addedat"]);

/** Return the facts of a product with these columns, as texts and addresses by name. */
function facts(properties: Record<string, unknown>, cards = CARDS) {
  const lines = factsOf(fromItem({ itemId: "9780441172719", properties }, cards), TIMESTAMPS, cards);
  return Object.fromEntries(lines.map(({ name, values }) => [name, values.map(({ text, href }) => [text, href])]));
}

describe("the facts of a product", () => {
  it.each([
    ["a declared date", { published: 1_242_950_400 }, "Published", "22 May 2009"],
    ["a declared time", { addedAt: 1_242_990_000 }, "Added at", "22 May 2009 at 11:00 UTC"],
    ["a date before 1970", { published: -86_400 }, "Published", "31 December 1969"],
    ["a year", { year: 2009 }, "Year", "2009"],
    ["a number", { pages: 412 }, "Pages", "412"],
    ["a large number", { sold: 1_242_950_400 }, "Sold", "1,242,950,400"],
    ["a flag", { hardcover: false }, "Hardcover", "No"],
  ])("%s is formatted", (_, properties, name, text) => {
    expect(facts(properties)[name]).toEqual([[text, undefined]]);
  });

  it("link to the products with the same value", () => {
    const shown = facts({ genre: "Fantasy", brand: "Ace", publisher: "Gollancz", tags: ["sand", "spice"] });
    expect(shown).toMatchObject({
      Category: [["Fantasy", "#/search?category=Fantasy"]],
      Brand: [["Ace", "#/search?brand=Ace"]],
      Publisher: [["Gollancz", "#/search?publisher=Gollancz"]],
      Tags: [
        ["sand", "#/search?tags=sand"],
        ["spice", "#/search?tags=spice"],
      ],
    });
  });

  it("link no numbers and no sentences, and link other sites", () => {
    const blurb = "A story of a desert planet, of its worms, and of the family that rules it.";
    const shown = facts({ isbn: "9780441172719", blurb, preview: "https://books.example/dune" });
    expect(shown).toMatchObject({
      ISBN: [["9780441172719", undefined]],
      Blurb: [[blurb, undefined]],
      Preview: [["https://books.example/dune", "https://books.example/dune"]],
    });
  });

  it("omit what the page shows elsewhere", () => {
    const columns = { title: "Dune", author: "F. Herbert", price: 9, inStock: true, description: "A desert planet." };
    expect(Object.keys(facts(columns))).toEqual(["ID"]);
    expect(descriptionOf(fromItem({ itemId: "7", properties: columns }))).toBe("A desert planet.");
    expect(Object.keys(facts({ stock: 12, availability: "soon" }))).toEqual(["Stock", "Availability", "ID"]);
    expect(Object.keys(facts({ stock: "12", stockLevel: "0" }))).toEqual(["Stock", "Stock level", "ID"]);
  });
});

it("columns have readable names", () => {
  expect(columnName("packageSize")).toBe("Package size");
  expect(columnName("CREATION_TIMESTAMP")).toBe("Creation timestamp");
  expect(columnName("ISBN")).toBe("ISBN");
  expect(columnName("supplierId")).toBe("Supplier ID");
});
