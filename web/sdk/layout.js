// Puts the npm package's files that no build writes into build/sdk: `npm run build`.
import { cpSync } from "node:fs";

for (const name of ["package.json", "README.md"]) {
  cpSync(new URL(name, import.meta.url), new URL(`../../build/sdk/${name}`, import.meta.url));
}
