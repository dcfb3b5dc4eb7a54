import { describe, expect, it } from "vitest";
import { fromItem, fromMetadata, requestedColumns, sentenceCase, shortTitle } from "./product";

describe("a product", () => {
  it("is read from a row of the catalogue", () => {
    const product = fromItem({
      itemId: "7",
      properties: {
        title: "Bananas",
        price: 0.69,
        categoryL1: "PRODUCE",
        categoryL2: "TROPICAL FRUIT",
        packageSize: "1 lb",
      },
    });
    expect(product).toMatchObject({
      id: "7",
      title: "Bananas",
      price: 0.69,
      categories: ["Produce"],
      kind: "Tropical fruit",
      brand: null,
      subtitle: null,
      image: null,
      inStock: null,
    });
    expect(product.columns.at(-1)).toEqual({ key: "packagesize", name: "packageSize", value: "1 lb" });
  });

  it("is read from a response's metadata, whose values are strings", () => {
    const product = fromMetadata("7", { TITLE: "Bananas", PRICE: "0.69", CATEGORY_L1: "PRODUCE" });
    expect(product).toMatchObject({ title: "Bananas", price: 0.69, categories: ["Produce"], kind: null });
  });

  it("is shown with the columns that the shop chooses", () => {
    const cards = { title: "NAME", subtitle: "AUTHOR", image: "COVER_URL" };
    const book = { name: "Dune", author: "F. Herbert", coverUrl: "https://books/dune.jpg", pages: 412 };
    const shown = { title: "Dune", subtitle: "F. Herbert", image: "https://books/dune.jpg" };
    expect(fromItem({ itemId: "7", properties: book }, cards)).toMatchObject(shown);
    const metadata = { NAME: "Dune", AUTHOR: "F. Herbert", COVER_URL: "https://books/dune.jpg" };
    expect(fromMetadata("7", metadata, cards)).toMatchObject(shown);
    expect(requestedColumns(cards)).toEqual(expect.arrayContaining(["NAME", "AUTHOR", "COVER_URL", "IN_STOCK"]));
    expect(requestedColumns(cards)).not.toContain("TITLE");
  });

  it("has the categories of the column that the shop chooses", () => {
    const cards = { category: "GENRES" };
    expect(fromItem({ itemId: "7", properties: { genres: ["Crime", "FANTASY"] } }, cards).categories).toEqual([
      "Crime",
      "Fantasy",
    ]);
    expect(fromMetadata("7", { GENRES: "Crime|FANTASY" }, cards).categories).toEqual(["Crime", "Fantasy"]);
    expect(requestedColumns(cards)).toContain("GENRES");
    expect(requestedColumns(cards)).not.toContain("CATEGORY_L1");
  });

  it("is requested with each column once, and with at most ten", () => {
    const cards = { title: "NAME", subtitle: "brand", image: "COVER", category: "GENRE" };
    expect(requestedColumns(cards).filter((column) => column.toLowerCase() === "brand")).toEqual(["brand"]);
    expect(requestedColumns({ ...cards, subtitle: "AUTHOR" }).length).toBeLessThanOrEqual(10);
  });

  it.each([
    [{ inStock: true }, true],
    [{ IN_STOCK: "false" }, false],
    [{ availability: "in_stock" }, true],
    [{ availability: "out of stock" }, false],
    [{ stock: 3 }, true],
    [{ stockLevel: 0 }, false],
    [{ stock: -2 }, false],
    [{ availability: "preorder" }, null],
    [{ stockRoom: "B2" }, null],
    [{}, null],
  ])("knows from %j that it is in stock: %s", (properties, inStock) => {
    expect(fromItem({ itemId: "7", properties }).inStock).toBe(inStock);
  });

  it("is shown by its ID without other columns", () => {
    expect(fromMetadata("7")).toMatchObject({ title: "Product 7", price: null, categories: [] });
  });

  it.each(["", "cheap", "-1", null, Number.NaN])("has no price if the value is %s", (price) => {
    expect(fromItem({ itemId: "7", properties: { price } }).price).toBeNull();
  });
});

describe("texts", () => {
  it("are in sentence case", () => {
    expect(sentenceCase("BAKED BREAD/BUNS/ROLLS")).toBe("Baked bread / buns / rolls");
    expect(sentenceCase("MEAT-PCKGD")).toBe("Meat, packaged");
    expect(sentenceCase("DRUG GM")).toBe("Drug & household");
    expect(sentenceCase("Toys for Kids")).toBe("Toys for Kids");
  });

  it("omit the size in sentences", () => {
    expect(shortTitle("Sour Creams, 16 oz")).toBe("Sour Creams");
    expect(shortTitle("Salt, pepper, 1.5 lb")).toBe("Salt, pepper");
    expect(shortTitle("Figs, dried")).toBe("Figs, dried");
    expect(shortTitle("x".repeat(60))).toBe("x".repeat(60));
    expect(shortTitle(`${"x".repeat(58)} and on`)).toBe(`${"x".repeat(58)} …`);
  });
});
