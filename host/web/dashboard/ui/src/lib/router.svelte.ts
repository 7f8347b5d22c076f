/** Which page the address names. The query holds the state of a list, the fragment what is selected in a page. */

export const BASE = '/runtime/dashboard/';

function segments(pathname: string): string[] {
  const below = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : '';
  return below.split('/').filter(Boolean).map(decoded);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Router {
  path = $state.raw(segments(location.pathname));
  query = $state.raw(new URLSearchParams(location.search));
  fragment = $state(decoded(location.hash.slice(1)));

  constructor() {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  go(address: string, { replace = false } = {}): void {
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    this.#read();
  }

  /** Change members of the query in place: an empty value removes one. */
  filter(changes: Record<string, string | null>): void {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    this.go(location.pathname + (text ? `?${text}` : ''), { replace: true });
  }

  select(fragment: string): void {
    this.go(location.pathname + location.search + (fragment ? `#${encodeURIComponent(fragment)}` : ''), { replace: true });
  }

  #read(): void {
    this.path = segments(location.pathname);
    this.query = new URLSearchParams(location.search);
    this.fragment = decoded(location.hash.slice(1));
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    this.go(link.href);
  }
}

export const router = new Router();

/** The address of a page: each segment is encoded once. */
export function at(...path: string[]): string {
  return BASE + path.map(encodeURIComponent).join('/');
}
