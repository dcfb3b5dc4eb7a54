// Copies the files of the npm package that the build does not write into build/sdk: `npm run build`.
import { cpSync } from "node:fs";

for (const name of ["package.json", "README.md"]) {
  cpSync(new URL(name, import.meta.url), new URL(`../../build/sdk/${name}`, import.meta.url));
}
