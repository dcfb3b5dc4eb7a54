import { Client, type Options } from "./client";
import { defineList } from "./list";

declare global {
  interface Window {
    alsolike: Client;
  }
}

// Classic script of a page. Its `data-` attributes are the options.
const attributes = document.currentScript?.dataset ?? {};
window.alsolike = new Client({ ...attributes, consent: attributes.consent !== "false" } as Options);
defineList(window.alsolike);
