/** One event stream per page, for what the page shows. */
import { addressOf, renewToken } from './api';
import { clock } from './clock.svelte';

export type Events = Record<string, (data: never) => void>;

interface Listener {
  topics: string[];
  events: Record<string, (data: unknown) => void>;
}

interface Hello {
  start: string;
  now: string;
  version: string;
}

const KINDS = ['reset', 'app', 'reload', 'invocation', 'log', 'instance', 'timeline', 'status', 'entity', 'job', 'lag'];
const PAUSE = 1000;
const LONGEST_PAUSE = 5000;
const PATIENCE = 5;

class Live {
  /** `ended`: the host did not answer several times. */
  state = $state<'connecting' | 'open' | 'lost' | 'ended'>('connecting');
  /** Another version of the host serves than the one this page came from. */
  outdated = $state(false);
  #listeners = new Set<Listener>();
  #source: EventSource | null = null;
  #topics = '';
  #failures = 0;
  #version: string | null = null;
  #start: string | null = null;
  #last = '';
  #retry: ReturnType<typeof setTimeout> | null = null;
  #planned = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#plan());
    addEventListener('pagehide', () => this.#close());
  }

  /** Hear of topics until the returned function is called. `reset`: load again, events may have been missed. */
  listen(topics: string[], events: Events): () => void {
    const listener: Listener = { topics, events: events as Listener['events'] };
    this.#listeners.add(listener);
    this.#plan();
    return () => {
      this.#listeners.delete(listener);
      this.#plan();
    };
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#adjust();
    });
  }

  #adjust(): void {
    const wanted = [...new Set([...this.#listeners].flatMap((each) => each.topics))].sort().join(',');
    if (document.hidden) return this.#close();
    if (this.#source && wanted === this.#topics) return;
    this.#topics = wanted;
    this.#open();
  }

  #open(): void {
    this.#close();
    if (!this.#topics) return;
    const source = new EventSource(addressOf(['events'], { topics: this.#topics, last_event_id: this.#last }));
    const isFirst = !this.#last;
    this.#source = source;
    source.addEventListener('hello', (event) => {
      this.#greeted(this.#read(event) as Hello);
      if (isFirst) this.#tell('reset', null);
    });
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#tell(kind, this.#read(event)));
    source.onopen = () => this.#opened();
    source.onerror = () => this.#failed(source);
  }

  #close(): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    this.#source?.close();
    this.#source = null;
  }

  #opened(): void {
    this.state = 'open';
    this.#failures = 0;
  }

  #read(event: Event): unknown {
    const { data, lastEventId } = event as MessageEvent<string>;
    this.#last = lastEventId || this.#last;
    return JSON.parse(data);
  }

  #greeted(hello: Hello): void {
    clock.set(hello.now);
    if (this.#start !== null && this.#start !== hello.start) void renewToken();
    this.#start = hello.start;
    this.outdated = this.#version !== null && this.#version !== hello.version;
    this.#version ??= hello.version;
  }

  /** The browser tries again by itself with Last-Event-ID, unless it has given up. */
  #failed(source: EventSource): void {
    this.#failures += 1;
    this.state = this.#failures > PATIENCE ? 'ended' : 'lost';
    if (source.readyState !== EventSource.CLOSED) return;
    this.#close();
    this.#retry = setTimeout(() => this.#open(), Math.min(PAUSE * this.#failures, LONGEST_PAUSE));
  }

  #tell(kind: string, data: unknown): void {
    for (const { events } of [...this.#listeners]) events[kind]?.(data);
  }
}

export const live = new Live();
