/** Load the module that ranks static lists; a bundler puts it into a chunk of its own. */
export const loadStatic = () => import("./static");
