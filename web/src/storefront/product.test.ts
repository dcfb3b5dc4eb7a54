import { describe, expect, it } from "vitest";
import { columnName, fromMetadata, fromRow, requestedColumns, sentenceCase, shortTitle } from "./product";

describe("a product", () => {
  it("is read from a row of the catalogue", () => {
    const product = fromRow({
      itemId: "7",
      properties: {
        title: "Bananas",
        price: 0.69,
        categoryL1: "PRODUCE",
        categoryL2: "TROPICAL FRUIT",
        packageSize: "1 lb",
      },
    });
    expect(product).toEqual({
      id: "7",
      title: "Bananas",
      price: 0.69,
      category: "Produce",
      kind: "Tropical fruit",
      brand: null,
      subtitle: null,
      image: null,
      more: [["Package size", "1 lb"]],
    });
  });

  it("is read from a response's metadata, whose values are strings", () => {
    const product = fromMetadata("7", { TITLE: "Bananas", PRICE: "0.69", CATEGORY_L1: "PRODUCE" });
    expect(product).toMatchObject({ title: "Bananas", price: 0.69, category: "Produce", kind: null });
  });

  it("is shown with the columns that the shop chooses", () => {
    const cards = { title: "NAME", subtitle: "AUTHOR", image: "COVER_URL" };
    const book = { name: "Dune", author: "F. Herbert", coverUrl: "https://books/dune.jpg", pages: 412 };
    const shown = { title: "Dune", subtitle: "F. Herbert", image: "https://books/dune.jpg" };
    expect(fromRow({ itemId: "7", properties: book }, cards)).toMatchObject({ ...shown, more: [["Pages", "412"]] });
    const metadata = { NAME: "Dune", AUTHOR: "F. Herbert", COVER_URL: "https://books/dune.jpg" };
    expect(fromMetadata("7", metadata, cards)).toMatchObject(shown);
    expect(requestedColumns(cards)).toEqual([
      "PRICE",
      "CATEGORY_L1",
      "CATEGORY_L2",
      "BRAND",
      "NAME",
      "AUTHOR",
      "COVER_URL",
    ]);
  });

  it("is requested with each column once", () => {
    expect(requestedColumns({ subtitle: "brand" })).toEqual(["TITLE", "PRICE", "CATEGORY_L1", "CATEGORY_L2", "brand"]);
  });

  it("is shown by its ID without other columns", () => {
    expect(fromMetadata("7")).toMatchObject({ title: "Product 7", price: null, category: null });
  });

  it.each(["", "cheap", "-1", null, Number.NaN])("has no price if the value is %s", (price) => {
    expect(fromRow({ itemId: "7", properties: { price } }).price).toBeNull();
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

  it("contain readable column names", () => {
    expect(columnName("packageSize")).toBe("Package size");
    expect(columnName("CREATION_TIMESTAMP")).toBe("Creation timestamp");
  });
});
