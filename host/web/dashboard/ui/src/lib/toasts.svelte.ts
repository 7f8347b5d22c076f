/** What came of an action. A failure stays until it is closed. */
import { ApiError } from './api';

export interface Toast {
  id: number;
  text: string;
  hint: string | null;
  isError: boolean;
  link: { address: string; text: string } | null;
}

const SHOWN = 5000;

class Toasts {
  all = $state.raw<Toast[]>([]);
  #next = 1;

  say(text: string, link: Toast['link'] = null): void {
    const id = this.#add({ text, hint: null, isError: false, link });
    setTimeout(() => this.close(id), SHOWN);
  }

  fail(error: unknown): void {
    const hint = error instanceof ApiError ? error.hint : null;
    this.#add({ text: error instanceof Error ? error.message : String(error), hint, isError: true, link: null });
  }

  close(id: number): void {
    this.all = this.all.filter((each) => each.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>): number {
    const id = this.#next++;
    this.all = [...this.all, { id, ...toast }];
    return id;
  }
}

export const toasts = new Toasts();
