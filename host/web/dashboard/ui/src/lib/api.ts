/** Requests to the host. What it refuses arrives as an `ApiError` with its sentence. */
import { BASE } from './router.svelte';

let token = tokenOf(document);

function tokenOf(page: Document): string {
  return page.querySelector<HTMLMetaElement>('meta[name="fnhost-token"]')?.content ?? '';
}

/** Another start of the host has another token; this page can stay as it is. */
export async function renewToken(): Promise<void> {
  const page = await fetch(BASE, { cache: 'no-store' });
  token = tokenOf(new DOMParser().parseFromString(await page.text(), 'text/html'));
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | null | undefined>;

export function addressOf(path: string[], query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${BASE}api/v1/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function get<T>(path: string[], query: Query = {}): Promise<T> {
  return ask<T>(addressOf(path, query), { headers: { accept: 'application/json' } });
}

export function post<T>(path: string[], body: unknown = {}): Promise<T> {
  const headers = { 'content-type': 'application/json', 'x-fnhost-token': token };
  return ask<T>(addressOf(path), { method: 'POST', headers, body: JSON.stringify(body) });
}

async function ask<T>(address: string, options: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new ApiError(0, 'The host does not answer.');
  }
  const text = await answer.text();
  const body = parsed(text);
  if (answer.ok) return body as T;
  const told = body as { error?: string; hint?: string | null } | null;
  throw new ApiError(answer.status, told?.error ?? `The host answered ${answer.status}.`, told?.hint ?? null);
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
