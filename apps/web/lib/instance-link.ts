/** Addresses of pages; names travel in the query because the dashboard is a static export. */
export function instanceHref(name: string, tab?: string): string {
  return `/instance?name=${encodeURIComponent(name)}${tab ? `&tab=${encodeURIComponent(tab)}` : ''}`;
}
export function networkHref(name: string): string {
  return `/network?name=${encodeURIComponent(name)}`;
}
export function poolHref(name: string): string {
  return `/pool?name=${encodeURIComponent(name)}`;
}
