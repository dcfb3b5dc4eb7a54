import { build, type InlineConfig } from "vite";
import own from "./package.json" with { type: "json" };

const PACKAGE = "../build/sdk/dist";

function options(entry: string, format: "es" | "iife", outDir: string, file: string, name: string): InlineConfig {
  return {
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      lib: { entry: `sdk/src/${entry}`, name, formats: [format], fileName: () => file },
      rolldownOptions: { output: { minify: true, chunkFileNames: "[name].js" } }, // Vite keeps white space otherwise
    },
  };
}

/** Build the page's script, and the script that it loads for static lists. */
async function buildScripts(folder: string): Promise<void> {
  const [built] = [await build(options("static.ts", "iife", folder, "static.js", "alsolikeStatic"))].flat();
  if (!built || !("output" in built)) throw new Error("the build of static.ts has no output");
  const digest = await crypto.subtle.digest("SHA-384", new TextEncoder().encode(built.output[0].code));
  const integrity = `sha384-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
  await build({
    ...options("script.ts", "iife", folder, "alsolike.js", "alsolikeScript"),
    define: { STATIC_INTEGRITY: JSON.stringify(integrity) },
    resolve: { alias: { "./load_static": new URL("src/load_static_script.ts", import.meta.url).pathname } },
  });
}

/** Build the npm package, and the scripts for pages without a build, which the pages' site serves. */
export async function buildPackage(pages: string): Promise<void> {
  await build(options("index.ts", "es", PACKAGE, "index.js", "alsolike"));
  await buildScripts(`${PACKAGE}/script`);
  await buildScripts(`${pages}/sdk/${own.version}`);
}
