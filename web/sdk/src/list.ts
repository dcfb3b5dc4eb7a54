import type { Client } from "./client";
import type { Recommendations } from "./recommendations";
import { fill, fillUrl } from "./template";

/** Recommenders that use the latest events of the visitor. */
const PERSONAL = ["for-you", "recently-viewed", "buy-again"];
/** The times after a sent event or a login at which a personal list is loaded again, unless the list has changed. */
const FOLLOW_MS = [500, 1_200, 2_500, 6_000];

const STYLE = `:host{display:block;color:var(--alsolike-color,inherit);font:var(--alsolike-font,inherit)}
:host([hidden]),[hidden]{display:none}
h2{font:var(--alsolike-heading-font,inherit);font-size:var(--alsolike-heading-size,1.25em);margin:0 0 .5em}
ul{display:grid;grid-auto-flow:column;grid-auto-columns:var(--alsolike-item-width,11rem);gap:var(--alsolike-gap,1rem);overflow-x:auto;overscroll-behavior-x:contain;list-style:none;margin:0;padding:var(--alsolike-padding,4px)}
::slotted(li){min-width:0;background:var(--alsolike-item-background,none);border-radius:var(--alsolike-item-radius,0)}`;

/**
 * A list of recommended items: `<alsolike-list recommender="for-you" heading="For you" href="/products/{itemId}">`.
 * A `<template>` inside defines the markup of an item. Placeholders: `{itemId}`, `{href}`, `{NAME}` in `metadata`.
 */
export function defineList(client: Client, name = "alsolike-list"): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  class AlsolikeList extends HTMLElement {
    static readonly observedAttributes = [
      "recommender",
      "item-id",
      "count",
      "metadata",
      "exclude",
      "filter",
      "heading",
    ];
    private readonly section = element("section");
    private readonly titleElement = element("h2");
    private readonly list = element("ul", { role: "list", part: "list" });
    private readonly empty = element("slot", { name: "empty" });
    private ended = () => {};
    private timers: ReturnType<typeof setTimeout>[] = [];
    private request = 0;
    private shown = "";

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      const heading = element("slot", { name: "heading" });
      heading.append(this.titleElement);
      this.list.append(element("slot", { name: "item" }));
      this.list.addEventListener("keydown", (event) => this.move(event));
      this.empty.hidden = true;
      this.section.append(heading, this.list, this.empty);
      root.append(this.section);
    }

    connectedCallback(): void {
      client.addEventListener("change", this.follow);
      void this.load().then(() => client.hasClicked && this.follow());
    }

    disconnectedCallback(): void {
      client.removeEventListener("change", this.follow);
      this.ended();
      for (const timer of this.timers) clearTimeout(timer);
    }

    attributeChangedCallback(): void {
      if (this.isConnected) void this.load();
    }

    /** Load the list again. */
    async load(): Promise<void> {
      const request = ++this.request;
      const heading = this.text("heading", "Recommendations");
      this.titleElement.textContent = heading;
      const slotted = this.querySelector("[slot=heading]");
      this.section.setAttribute("aria-label", slotted?.textContent?.trim() || heading);
      this.list.setAttribute("aria-busy", "true");
      try {
        const list = await client.recommend({
          recommender: this.text("recommender", "for-you"),
          itemId: this.text("item-id"),
          numResults: Number(this.text("count", "12")),
          metadata: this.names("metadata"),
          exclude: this.names("exclude"),
          filter: this.text("filter"),
        });
        if (request === this.request) this.show(list);
      } catch (error) {
        if (request !== this.request) return;
        this.empty.hidden = this.shown !== "";
        this.dispatchEvent(new CustomEvent("alsolike-error", { detail: error }));
      }
      this.list.setAttribute("aria-busy", "false");
    }

    private readonly follow = (): void => {
      if (!PERSONAL.includes(this.text("recommender", "for-you"))) return;
      for (const timer of this.timers) clearTimeout(timer);
      const before = this.shown;
      this.timers = FOLLOW_MS.map((ms) => setTimeout(() => this.shown === before && void this.load(), ms));
    };

    private show(list: Recommendations): void {
      const items = list.items.map(({ itemId }) => itemId).join("\n");
      // A list with the keyboard focus stays, because the focus would be lost.
      if (this.querySelector("li:focus-within :focus-visible")) return;
      if (items !== this.shown || items === "") {
        for (const old of this.querySelectorAll(":scope > li")) old.remove();
        this.append(...list.items.map(({ itemId, metadata }) => this.item({ itemId, ...metadata })));
        this.empty.hidden = items !== "";
        this.shown = items;
      }
      this.ended();
      this.ended = client.observe(this, list.recommendationId);
      this.dispatchEvent(new CustomEvent("alsolike-list", { detail: list }));
    }

    private item(values: Readonly<Record<string, string>>): HTMLElement {
      const { itemId = "" } = values;
      const item = element("li");
      item.slot = "item";
      item.dataset.item = itemId;
      const href = fillUrl(this.text("href", "#{itemId}"), values);
      const own = this.querySelector<HTMLTemplateElement>(":scope > template");
      if (own) {
        const content = own.content.cloneNode(true);
        fill(content, { href, ...values });
        item.append(content);
      } else {
        const link = element("a", { href });
        link.textContent = itemId;
        item.append(link);
      }
      return item;
    }

    private move(event: KeyboardEvent): void {
      const items = [...this.querySelectorAll<HTMLElement>(":scope > li")];
      const index = items.findIndex((item) => item.contains(event.target as Node));
      const step = getComputedStyle(this).direction === "rtl" ? -1 : 1;
      const places: Record<string, number> = {
        ArrowRight: index + step,
        ArrowLeft: index - step,
        Home: 0,
        End: items.length - 1,
      };
      const target = items[places[event.key] ?? -1]?.querySelector<HTMLElement>("a, button, [tabindex]");
      if (index < 0 || !target) return;
      event.preventDefault();
      target.focus();
    }

    private text(attribute: string, otherwise = ""): string {
      return this.getAttribute(attribute) ?? otherwise;
    }

    private names(attribute: string): string[] {
      return this.text(attribute)
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean);
    }
  }

  customElements.get(name) ?? customElements.define(name, AlsolikeList);
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  return created;
}
