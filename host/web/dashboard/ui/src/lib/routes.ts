/** Route templates of HTTP triggers: `products/{category:alpha}/{id:int?}`. */
import type { FunctionRow } from './types';

const VALUE = /\{(\*{0,2})([^{}:=?]+)[^{}]*\}/g;

export function pathOf(address: string): string {
  return address.replace(/^https?:\/\/[^/]+/, '') || '/';
}

/** The path below the host, with the values of the route. */
export function filled(address: string, values: Record<string, string>): string {
  const whole = pathOf(address).replace(VALUE, (_, star: string, name: string) => {
    const value = values[name] ?? '';
    return star ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
  });
  return whole.replace(/\/+$/, '') || '/';
}

/** The trigger as a word: `http`, `orchestrator`. */
export function triggerWord(trigger: string | null): string {
  return (trigger ?? '').replace(/Trigger$/i, '').replace('orchestration', 'orchestrator');
}

const LAST = ['orchestrationTrigger', 'entityTrigger', 'activityTrigger'];

/** What is called from outside first: an app has more activities than ways in. */
export function ordered(rows: FunctionRow[]): FunctionRow[] {
  return [...rows].sort((a, b) => LAST.indexOf(a.trigger ?? '') - LAST.indexOf(b.trigger ?? '') || a.name.localeCompare(b.name));
}
