import { defineConfig } from "vitest/config";

// Two pages, built into the folder that the CDK deploys. Nothing is inlined: the Content-Security-Policy allows files
// only of this site.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../build/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "console.html"] },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
