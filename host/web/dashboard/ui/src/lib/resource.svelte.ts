/** Data of the host that a page shows, loaded again when the host tells of a change. */
import { untrack } from 'svelte';
import { ApiError } from './api';

export class Resource<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** When the data shown was true, in milliseconds. */
  at = $state(0);
  #load: () => Promise<T>;
  #running = false;
  #again = false;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Loads now; while a load is under way, once more after it. */
  async reload(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again);
    this.#running = false;
  }

  async #once(): Promise<void> {
    try {
      this.data = await this.#load();
      this.error = null;
      this.at = Date.now();
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }
}

/** A function that runs `action` at most once in `ms`, and always after the last call. */
export function paced(action: () => void, ms: number): () => void {
  let waiting: ReturnType<typeof setTimeout> | null = null;
  let last = 0;
  const run = () => {
    waiting = null;
    last = performance.now();
    untrack(action);
  };
  return () => {
    if (waiting !== null) return;
    const rest = ms - (performance.now() - last);
    if (rest <= 0) run();
    else waiting = setTimeout(run, rest);
  };
}
