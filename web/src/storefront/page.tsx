import type { PageProps } from "../platform/start";

export function Storefront({ site }: PageProps) {
  return (
    <main>
      <h1>Storefront of {site.environment}</h1>
    </main>
  );
}
