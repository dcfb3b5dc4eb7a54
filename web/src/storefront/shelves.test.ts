import { describe, expect, it } from "vitest";
import { Api } from "../platform/api";
import { emptySentence, loadShelves, plans, type Shelf } from "./shelves";
import { shopperOf } from "./shopper";

interface Asked {
  readonly recommenderArn: string;
  readonly userId?: string;
  readonly itemId?: string;
  readonly exclude?: readonly string[];
}

/** An API whose recommenders answer two items each, named after them; some fail. */
class Answering extends Api {
  readonly asked: Asked[] = [];
  constructor(private readonly failing: readonly string[] = []) {
    super("", async () => "");
  }
  override async post<T>(_path: string, body: unknown) {
    const asked = body as Asked;
    this.asked.push(asked);
    const name = asked.recommenderArn.split("/").at(-1) ?? "";
    if (this.failing.includes(name)) throw new Error(`${name} fails`);
    const itemList = [1, 2].map((place) => ({ itemId: `${name}-${place}` }));
    return { body: { itemList, recommendationId: name } as T, headers: new Headers() };
  }
}

/** An API of a shop with one product, which was bought and is popular; nothing else is known. */
class Small extends Api {
  readonly asked: Asked[] = [];
  constructor() {
    super("", async () => "");
  }
  override async post<T>(_path: string, body: unknown) {
    const asked = body as Asked;
    this.asked.push(asked);
    const has = /buy-again|popular|for-you/.test(asked.recommenderArn) && !asked.exclude?.includes("7");
    return { body: { itemList: has ? [{ itemId: "7" }] : [], recommendationId: "r" } as T, headers: new Headers() };
  }
}

async function load(api: Api, before: readonly Shelf[] = [], onShelf = (_: Shelf) => true) {
  const shelves: Shelf[] = [];
  await loadShelves(api, plans({ page: "home" }, []), shopperOf("42"), ["mine"], before, (shelf) => {
    shelves.push(shelf);
    return onShelf(shelf);
  });
  return shelves;
}

describe("the carousels of a page", () => {
  it("exclude the items of earlier carousels, the shopper's own items first", async () => {
    const api = new Answering();
    await load(api);
    const [again, recent, forYou, trending] = api.asked;
    expect(again?.recommenderArn).toMatch(/buy-again$/);
    expect(again?.exclude).toEqual(["mine"]);
    expect(recent?.exclude).toEqual(["mine", "buy-again-1", "buy-again-2"]);
    expect(forYou?.recommenderArn).toMatch(/for-you$/);
    expect(trending?.exclude).toEqual(expect.arrayContaining(["mine", "for-you-2", "recently-viewed-1"]));
  });

  it("name the shopper only for personal lists", async () => {
    const api = new Answering();
    await load(api);
    expect(api.asked.map(({ userId }) => userId)).toEqual(["42", "42", "42", undefined, undefined]);
  });

  it("load although one fails", async () => {
    const shelves = await load(new Answering(["for-you"]));
    expect(shelves.filter(({ error }) => error).map(({ plan }) => plan.recommender)).toEqual(["for-you"]);
    expect(shelves.filter(({ list }) => list)).toHaveLength(4);
  });

  it("keep their items if a reload fails, and mark new items", async () => {
    const first = await load(new Answering());
    const again = await load(new Answering(["popular"]), first);
    expect(again.at(-1)).toMatchObject({ error: { message: "popular fails" }, list: { recommendationId: "popular" } });
    expect(again[0]?.fresh.size).toBe(0);
    const [shelf] = first;
    if (!shelf?.list) throw new Error("nothing was answered");
    const old = { ...shelf, list: { ...shelf.list, items: shelf.list.items.slice(1) } };
    expect((await load(new Answering(), [old]))[0]?.fresh).toEqual(new Set(["buy-again-1"]));
  });

  it("state if all items are on the page already, or if there are none", async () => {
    const api = new Small();
    const shelves = await load(api);
    const said = (name: string) =>
      shelves.filter(({ plan }) => plan.recommender === name).map((shelf) => [shelf.usedUp, emptySentence(shelf)]);
    expect(said("popular")).toEqual([[true, expect.stringContaining("on this page already")]]);
    expect(said("trending")).toEqual([[false, "Nothing is trending yet."]]);
    expect(api.asked).toHaveLength(5 + 4); // each of the four that are empty once more, without what the page shows
  });

  it("are not requested after they are no longer needed", async () => {
    const api = new Answering();
    await load(api, [], () => false);
    expect(api.asked).toHaveLength(1);
  });
});

it("the cart's list starts from the last product", () => {
  const line = { itemId: "7", title: "Figs", price: 1, quantity: 1, recommendationId: null };
  expect(plans({ page: "cart" }, [line])[0]).toMatchObject({ itemId: "7", title: "Bought together with Figs" });
  expect(plans({ page: "cart" }, []).map(({ recommender }) => recommender)).toEqual(["for-you"]);
});
