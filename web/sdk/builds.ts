import type { InlineConfig } from "vite";
import own from "./package.json" with { type: "json" };

const PACKAGE = "../build/sdk/dist";

function options(entry: string, format: "es" | "iife", outDir: string, file: string): InlineConfig {
  return {
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      lib: { entry: `sdk/src/${entry}`, name: "alsolikeScript", formats: [format], fileName: () => file },
      rolldownOptions: { output: { minify: true } }, // Vite keeps the white space of ES modules otherwise
    },
  };
}

/** Return the builds of the npm package, and of the script that the pages' site serves to pages without a build. */
export function packageBuilds(pages: string): InlineConfig[] {
  return [
    options("index.ts", "es", PACKAGE, "index.js"),
    options("script.ts", "iife", PACKAGE, "alsolike.js"),
    options("script.ts", "iife", `${pages}/sdk/${own.version}`, "alsolike.js"),
  ];
}
