/** Keys of one letter. Never inside inputs, never with Ctrl, Alt or Meta. */
import { untrack } from 'svelte';
import { preferences } from './preferences.svelte';

export interface Shortcut {
  key: string;
  label: string;
  run: () => void;
}

const PAIR_TIME = 1500;

class Keyboard {
  #groups = $state.raw<Shortcut[][]>([]);
  #first: { key: string; at: number } | null = null;

  constructor() {
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  /** What can be pressed now, for the help. The latest come first. */
  get shown(): Shortcut[] {
    return [...this.#groups].reverse().flat();
  }

  /** Offer keys until the returned function is called. A later group wins over an earlier one. */
  offer(group: Shortcut[]): () => void {
    this.#groups = [...untrack(() => this.#groups), group];
    return () => {
      this.#groups = untrack(() => this.#groups).filter((each) => each !== group);
    };
  }

  #pressed(event: KeyboardEvent): void {
    if (!preferences.keys || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (document.querySelector('dialog[open]')) return;
    if (isTyping(event.target)) return this.#leave(event);
    const key = this.#whole(event.key, event.timeStamp);
    const found = this.#find(key);
    if (!found || (key === 'Enter' && isControl(event.target))) return;
    event.preventDefault();
    found.run();
  }

  #find(key: string): Shortcut | undefined {
    return this.shown.find((each) => each.key === key);
  }

  /** From the filter, Enter leads to the first row. Escape, which empties it, leads out of it. */
  #leave(event: KeyboardEvent): void {
    const field = event.target as HTMLElement;
    if (!field.matches('[data-filter]') || !['Enter', 'Escape'].includes(event.key)) return;
    field.blur();
    if (event.key === 'Enter') this.#find('j')?.run();
  }

  /** `g` and a letter after it are one key. The times are those of the keys: a page that is busy may see them late. */
  #whole(key: string, at: number): string {
    const first = this.#first;
    this.#first = key === 'g' ? { key, at } : null;
    return first && at - first.at < PAIR_TIME ? `${first.key} ${key}` : key;
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(BUTTON|A|SUMMARY)$/.test(target.tagName);
}

export const keyboard = new Keyboard();
