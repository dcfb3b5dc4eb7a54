/** Load the module of static lists, which bundlers put into a separate chunk. */
export const loadStatic = () => import("./static");
