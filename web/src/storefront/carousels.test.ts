import { describe, expect, it } from "vitest";
import type { RecommendationRequest } from "../../sdk/src/index.ts";
import { type CarouselState, emptyText, loadCarousels, planCarousels, rowsOf } from "./carousels";
import { fromMetadata } from "./product";
import type { ListReader, Recommendations } from "./recommendations";

/** Recommenders that return two items each, named after the recommenders. Some recommenders fail. */
class FakeRecommenders implements ListReader {
  readonly requests: RecommendationRequest[] = [];
  constructor(private readonly failing: readonly string[] = []) {}
  async recommend(request: RecommendationRequest = {}) {
    this.requests.push(request);
    const { recommender: name = "" } = request;
    if (this.failing.includes(name)) throw new Error(`${name} fails`);
    const items = [1, 2].map((place) => ({ itemId: `${name}-${place}`, metadata: {} }));
    return { items, recommendationId: name, source: "none", headers: new Headers() };
  }
}

/** The recommenders of a shop with one product, which the shopper has bought and which is popular. */
class OneProductShop extends FakeRecommenders {
  override async recommend(request: RecommendationRequest = {}) {
    const list = await super.recommend(request);
    const has = /buy-again|popular|for-you/.test(request.recommender ?? "") && !request.exclude?.includes("7");
    return { ...list, items: has ? [{ itemId: "7", metadata: {} }] : [] };
  }
}

async function load(lists: ListReader, before: readonly CarouselState[] = [], onCarousel = (_: CarouselState) => true) {
  const carousels: CarouselState[] = [];
  await loadCarousels(lists, planCarousels({ page: "home" }, []), ["mine"], before, (carousel) => {
    carousels.push(carousel);
    return onCarousel(carousel);
  });
  return carousels;
}

describe("the carousels of a page", () => {
  it("exclude the items of earlier carousels, the shopper's own items first", async () => {
    const api = new FakeRecommenders();
    await load(api);
    const [again, recent, forYou, trending] = api.requests;
    expect(again?.recommender).toBe("buy-again");
    expect(again?.exclude).toEqual(["mine"]);
    expect(recent?.exclude).toEqual(["mine", "buy-again-1", "buy-again-2"]);
    expect(forYou?.recommender).toBe("for-you");
    expect(trending?.exclude).toEqual(expect.arrayContaining(["mine", "for-you-2", "recently-viewed-1"]));
  });

  it("exclude at most a hundred items, and none whose ID has a comma", async () => {
    const lists = new FakeRecommenders();
    const shown = Array.from({ length: 120 }, (_, place) => `item-${place}`);
    await loadCarousels(lists, planCarousels({ page: "home" }, []), ["a,b", ...shown], [], () => true);
    expect(lists.requests[0]?.exclude).toEqual(shown.slice(20));
  });

  it("load although one fails", async () => {
    const carousels = await load(new FakeRecommenders(["for-you"]));
    expect(carousels.filter(({ error }) => error).map(({ plan }) => plan.recommender)).toEqual(["for-you"]);
    expect(carousels.filter(({ list }) => list)).toHaveLength(4);
  });

  it("keep their items if a reload fails, and mark new items", async () => {
    const first = await load(new FakeRecommenders());
    const again = await load(new FakeRecommenders(["popular"]), first);
    expect(again.at(-1)).toMatchObject({ error: { message: "popular fails" }, list: { recommendationId: "popular" } });
    expect(again[0]?.fresh.size).toBe(0);
    const [carousel] = first;
    if (!carousel?.list) throw new Error("no list in the response");
    const old = { ...carousel, list: { ...carousel.list, items: carousel.list.items.slice(1) } };
    expect((await load(new FakeRecommenders(), [old]))[0]?.fresh).toEqual(new Set(["buy-again-1"]));
  });

  it("state if all items are on the page already", async () => {
    const api = new OneProductShop();
    const carousels = await load(api);
    const forYou = carousels.find(({ plan }) => plan.recommender === "for-you");
    expect(forYou && emptyText(forYou)).toContain("on this page already");
    expect(api.requests).toHaveLength(5 + 1); // "for you" again, without exclusions
  });

  it("do not leave out popular products that the hidden list of trending ones has", async () => {
    const api = new FakeRecommenders();
    await load(api);
    expect(api.requests.at(-1)?.recommender).toBe("popular");
    expect(api.requests.at(-1)?.exclude).not.toContain("trending-1");
  });

  it("are not requested after they are no longer needed", async () => {
    const api = new FakeRecommenders();
    await load(api, [], () => false);
    expect(api.requests).toHaveLength(1);
  });
});

it("the cart's list starts from the last product", () => {
  const line = { itemId: "7", title: "Figs", price: 1, quantity: 1, recommendationId: null };
  expect(planCarousels({ page: "cart" }, [line])[0]).toMatchObject({ cart: ["7"], title: "Goes with your cart" });
  expect(planCarousels({ page: "cart" }, []).map(({ recommender }) => recommender)).toEqual(["for-you"]);
});

describe("the rows of the home page", () => {
  const planned = planCarousels({ page: "home" }, []);

  /** Return the titles of the rows for lists with these sources and categories of their products. */
  function titles(lists: Readonly<Record<string, readonly [source: string, categories: readonly string[]]>>): string[] {
    const carousels = planned.flatMap((plan): CarouselState[] => {
      const [source, categories] = lists[plan.recommender] ?? [];
      if (source === undefined) return [];
      const items = (categories ?? []).map((category, at) => ({
        product: fromMetadata(`${plan.recommender}-${at}`, { CATEGORY_L1: category }),
        reasons: [],
        filled: false,
      }));
      const list = { recommender: plan.recommender, source, items, degraded: [] } as unknown as Recommendations;
      return [{ plan, list, error: null, fresh: new Set(), shownElsewhere: false }];
    });
    return rowsOf(planned, carousels).map(({ plan }) => plan.title);
  }

  const some = (category: string, count = 6): string[] => Array(count).fill(category);

  it("show a new visitor popular products once, then by category", () => {
    const visitor = {
      "for-you": ["popular", some("Crime")],
      "buy-again": ["none", []],
      "recently-viewed": ["none", []],
      trending: ["popular", some("Crime")],
      popular: ["popular", [...some("Crime", 5), ...some("Art", 7), ...some("Poetry", 4)]],
    } as const;
    expect(titles(visitor)).toEqual(["Popular now", "Popular in Art", "Popular in Crime"]);
    expect(titles({ ...visitor, trending: ["trending", some("Art", 3)] })).toContain("Trending");
  });

  it("show a known shopper the lists that have products", () => {
    const shopper = {
      "for-you": ["model", some("Crime")],
      "buy-again": ["none", []],
      "recently-viewed": ["recent", some("Crime", 1)],
      trending: ["trending", some("Art", 2)],
      popular: ["popular", some("Art", 50)],
    } as const;
    expect(titles(shopper)).toEqual(["For you", "Recently viewed", "Trending", "Popular"]);
    expect(titles({ ...shopper, "for-you": ["model", []] })).toContain("For you"); // the empty list shows its reason
    // A list with popular items is no sign of a new shopper: other lists may show all items that the model ranks.
    expect(titles({ ...shopper, "for-you": ["popular", some("Crime")] })).toEqual([
      "For you",
      "Recently viewed",
      "Trending",
      "Popular",
    ]);
  });

  it("have a placeholder only for the first list while they load", () => {
    expect(titles({})).toEqual(["For you"]);
  });
});
