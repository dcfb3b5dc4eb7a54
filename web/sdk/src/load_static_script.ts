type Static = typeof import("./static");

declare global {
  var alsolikeStatic: Static;
}
/** The build's hash of `static.js`. */
declare const STATIC_INTEGRITY: string;

const own = document.currentScript as HTMLScriptElement | null;

/** Load `static.js` from the folder of the SDK's script. */
export function loadStatic(): Promise<Static> {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), {
      src: new URL("static.js", own?.src).href,
      integrity: STATIC_INTEGRITY,
      crossOrigin: "anonymous",
      onload: () => resolve(alsolikeStatic),
      onerror: reject,
    });
    document.head.append(script);
  });
}
