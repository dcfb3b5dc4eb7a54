import type { PageProps } from "../platform/start";

export function Console({ site }: PageProps) {
  return (
    <main>
      <h1>Console of {site.environment}</h1>
    </main>
  );
}
