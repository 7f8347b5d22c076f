/** The rows of a timeline as they are shown: children below parents, in the host's order. */
import { clockTime, duration, time } from './format';
import type { TimelineRow } from './types';

export interface Shown extends TimelineRow {
  depth: number;
  isOpen: boolean;
}

export interface Wanted {
  /** Rows that a person has opened or closed. */
  turned: ReadonlySet<string>;
  onlyErrors: boolean;
  text: string;
}

export function tree(rows: TimelineRow[], wanted: Wanted): Shown[] {
  const known = new Set(rows.map((row) => row.task));
  const below = new Map<string | null, TimelineRow[]>();
  for (const row of rows) {
    const parent = row.parent !== null && known.has(row.parent) ? row.parent : null;
    const siblings = below.get(parent);
    if (siblings) siblings.push(row);
    else below.set(parent, [row]);
  }
  return level(below.get(null) ?? [], below, 0, wanted);
}

function level(rows: TimelineRow[], below: Map<string | null, TimelineRow[]>, depth: number, wanted: Wanted): Shown[] {
  return rows.flatMap((row) => whole(row, below, depth, wanted));
}

function whole(row: TimelineRow, below: Map<string | null, TimelineRow[]>, depth: number, wanted: Wanted): Shown[] {
  const children = below.get(row.task) ?? [];
  const isNarrowed = wanted.onlyErrors || wanted.text !== '';
  // What has failed or is under way is seen without a click.
  const opensItself = row.state !== 'done' && children.some((each) => each.state === 'failed' || each.state === 'open');
  const isOpen = row.children > 0 && (isNarrowed || wanted.turned.has(row.task) !== opensItself);
  const inside = isOpen ? level(children, below, depth + 1, wanted) : [];
  if (isNarrowed && !matches(row, wanted) && !inside.length) return [];
  return [{ ...row, depth, isOpen }, ...inside];
}

function matches(row: TimelineRow, { onlyErrors, text }: Wanted): boolean {
  if (onlyErrors && row.state !== 'failed') return false;
  return `${row.name} ${row.label} ${row.error ?? ''}`.toLowerCase().includes(text.toLowerCase());
}

const STATES: Record<TimelineRow['state'], string> = {
  done: 'completed',
  failed: 'failed',
  open: 'running',
  cancelled: 'cancelled',
};
const WAITS = new Set(['timer', 'event', 'lock']);

/** Whether nothing works meanwhile. */
export function isWait(row: TimelineRow): boolean {
  return row.is_wait || WAITS.has(row.kind);
}

export function kindOf(row: TimelineRow): string {
  return row.kind.replace('_', '-');
}

/** What a label says beyond the name, without the escapes of a text within JSON. */
export function beyondName({ name, label }: TimelineRow): string {
  const rest = label.startsWith(name) ? label.slice(name.length).trim() : label;
  return /^"[{[\\]/.test(rest) ? rest.slice(1).replace(/\\(.)/g, '$1').replace(/\\?"?$/, '') : rest;
}

/** A row as a sentence: "Step, activity 1, completed in 2 ms, started 12:29:08.005". */
export function spoken(row: Shown): string {
  const state = row.state === 'open' && isWait(row) ? 'waiting' : STATES[row.state];
  const lasted = row.end ? `${state} in ${duration(time(row.end) - time(row.start))}` : state;
  const name = row.name || row.label;
  return `${name}, ${kindOf(row)} ${row.task}, ${lasted}, started ${clockTime(row.start, { ms: true })}`;
}
