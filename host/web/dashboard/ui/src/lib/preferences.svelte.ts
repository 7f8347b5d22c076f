/** What a person chose for all pages, kept in this browser. */

export type Theme = 'auto' | 'light' | 'dark';
export type Zone = 'local' | 'utc';

const KEY = 'fnhost-dashboard';
const DARK = matchMedia('(prefers-color-scheme: dark)');

function kept(): Record<string, unknown> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
  } catch {
    return {};
  }
}

class Preferences {
  theme = $state<Theme>((kept().theme as Theme) ?? 'auto');
  zone = $state<Zone>((kept().zone as Zone) ?? 'local');
  keys = $state(kept().keys !== false);
  isDark = $state(DARK.matches);

  constructor() {
    DARK.addEventListener('change', () => {
      this.isDark = DARK.matches;
      this.#show();
    });
    this.#show();
  }

  get shown(): 'light' | 'dark' {
    return this.theme === 'auto' ? (this.isDark ? 'dark' : 'light') : this.theme;
  }

  change(changes: { theme?: Theme; zone?: Zone; keys?: boolean }): void {
    Object.assign(this, changes);
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme: this.theme, zone: this.zone, keys: this.keys }));
    } catch {
      // Private windows may refuse: the choice lasts as long as the page.
    }
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset.theme = this.shown;
  }
}

export const preferences = new Preferences();
