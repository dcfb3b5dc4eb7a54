import { Client } from "./client";
import { defineList } from "./list";

declare global {
  interface Window {
    alsolike: Client;
  }
}

// Classic script of a page, whose `data-` attributes are the options.
const { api = "", siteKey, consent } = document.currentScript?.dataset ?? {};
window.alsolike = new Client({ api, consent: consent !== "false", ...(siteKey ? { siteKey } : {}) });
defineList(window.alsolike);
