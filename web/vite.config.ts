import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { buildPackage } from "./sdk/builds.ts";

/** Build the browser package next to the pages, and put its script under a fixed name on their site. */
function browserPackage(): Plugin {
  let pages = "";
  return {
    name: "alsolike-browser",
    apply: "build",
    configResolved(config) {
      pages = config.build.outDir;
    },
    async closeBundle() {
      await buildPackage(pages);
    },
  };
}

// Two pages, built into the folder that the CDK deploys. Nothing is inlined: the Content-Security-Policy allows files
// only of this site.
export default defineConfig({
  plugins: [browserPackage()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "console.html"] },
  },
  test: { include: ["{src,sdk/src}/**/*.test.{ts,tsx}"], testTimeout: 120_000, hookTimeout: 120_000 },
});
