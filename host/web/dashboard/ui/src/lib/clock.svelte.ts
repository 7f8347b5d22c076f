/** The host's clock, as the page knows it: open bars and ages follow it. */

const TICK = 1000;

class Clock {
  now = $state(Date.now());
  #offset = 0;

  constructor() {
    setInterval(() => this.#tick(), TICK);
  }

  /** What the host said its time is. */
  set(host: string): void {
    const said = Date.parse(host);
    if (Number.isFinite(said)) this.#offset = said - Date.now();
    this.#tick();
  }

  #tick(): void {
    this.now = Date.now() + this.#offset;
  }
}

export const clock = new Clock();
