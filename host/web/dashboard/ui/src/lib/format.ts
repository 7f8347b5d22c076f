/** Numbers, times and ids as a person reads them. */
import { preferences } from './preferences.svelte';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LONG_ID = 22;

/** Milliseconds with the two units that matter: `3 ms`, `1.2 s`, `12 m 40 s`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  const size = Math.max(0, ms);
  if (size < SECOND) return `${size < 10 && size % 1 ? size.toFixed(1) : Math.round(size)} ms`;
  if (size < 10 * SECOND) return `${(size / SECOND).toFixed(1)} s`;
  if (size < MINUTE) return `${Math.floor(size / SECOND)} s`;
  if (size < HOUR) return units(size, MINUTE, 'm', SECOND, 's');
  if (size < DAY) return units(size, HOUR, 'h', MINUTE, 'm');
  return units(size, DAY, 'd', HOUR, 'h');
}

function units(ms: number, large: number, first: string, small: number, second: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${first}${rest ? ` ${rest} ${second}` : ''}`;
}

/** How long ago, without the parts that change every moment. */
export function age(iso: string, now: number): string {
  const ms = now - time(iso);
  return ms < SECOND ? 'now' : ms < MINUTE ? `${Math.floor(ms / SECOND)} s` : duration(Math.floor(ms / MINUTE) * MINUTE);
}

export function time(iso: string): number {
  return Date.parse(iso);
}

/** `12:41:07`, with the day before it when it is another day, and milliseconds where they matter. */
export function clockTime(iso: string | number, { ms = false, day = true } = {}): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return String(iso);
  const timeZone = preferences.zone === 'utc' ? 'UTC' : undefined;
  const two = '2-digit';
  const digits = ms ? 3 : undefined;
  const hours = date.toLocaleTimeString('en-GB', { timeZone, hour: two, minute: two, second: two, fractionalSecondDigits: digits });
  const days = (each: Date) => each.toLocaleDateString('en-CA', { timeZone });
  return day && days(date) !== days(new Date()) ? `${days(date)} ${hours}` : hours;
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  const kilobytes = size / 1024;
  return kilobytes < 1024 ? `${kilobytes.toFixed(kilobytes < 10 ? 1 : 0)} KB` : `${(kilobytes / 1024).toFixed(1)} MB`;
}

export function count(value: number): string {
  return value.toLocaleString('en');
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A long id, cut in the middle: its beginning and its end tell ids apart. */
export function shortId(id: string): string {
  const letters = [...id];
  return letters.length <= LONG_ID ? id : `${letters.slice(0, 10).join('')}…${letters.slice(-6).join('')}`;
}

/** Only these addresses in user text become links. */
export function isLink(text: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(text);
}

/** A place for a narrow column: the end of the path tells files apart. */
export function shortPlace(file: string, line: number | null | undefined): string {
  const end = file.split('/').slice(-2).join('/');
  return line ? `${end}:${line}` : end;
}
