/** Where a moment lies on the axis of a timeline: idle gaps are cut, so that work is seen. */

export interface Span {
  from: number;
  to: number;
}

export interface Segment extends Span {
  /** Where it begins and ends on the axis, from 0 to 1. */
  left: number;
  right: number;
  isCut: boolean;
}

const CUT_SHARE = 0.08;
const CUT_LEAST = 2000;
const CUT_WIDTH = 0.06;

/** Spans of the whole in which nothing works. */
function idle(whole: Span, busy: Span[]): Span[] {
  const found: Span[] = [];
  let end = whole.from;
  for (const span of [...busy].sort((a, b) => a.from - b.from)) {
    if (span.from > end) found.push({ from: end, to: Math.min(span.from, whole.to) });
    end = Math.max(end, span.to);
  }
  if (end < whole.to) found.push({ from: end, to: whole.to });
  return found.filter((span) => span.to > span.from);
}

/** The axis in segments. `busy`: when something worked, waits left out. `opened`: gaps that are shown in full, by their begin. */
export function axis(whole: Span, busy: Span[], cutsGaps: boolean, opened: ReadonlySet<number>): Segment[] {
  const length = Math.max(1, whole.to - whole.from);
  const gaps = cutsGaps ? idle(whole, busy).filter((gap) => isLong(gap, length) && !opened.has(gap.from)) : [];
  const rest = Math.max(1, length - gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0));
  const room = 1 - Math.min(0.5, gaps.length * CUT_WIDTH);
  const each = gaps.length ? (1 - room) / gaps.length : 0;
  const segments: Segment[] = [];
  let at = whole.from;
  let left = 0;
  const add = (to: number, width: number, isCut: boolean) => {
    segments.push({ from: at, to, left, right: left + width, isCut });
    at = to;
    left += width;
  };
  for (const gap of gaps) {
    if (gap.from > at) add(gap.from, (room * (gap.from - at)) / rest, false);
    add(gap.to, each, true);
  }
  if (at < whole.to || !segments.length) add(Math.max(whole.to, at + 1), Math.max(0, 1 - left), false);
  return segments;
}

function isLong(gap: Span, length: number): boolean {
  const size = gap.to - gap.from;
  return size > CUT_LEAST && size > CUT_SHARE * length;
}

/** 0 to 1 on the axis. */
export function placeOf(segments: Segment[], time: number): number {
  const inside = segments.find((each) => time <= each.to) ?? segments[segments.length - 1];
  const share = (time - inside.from) / Math.max(1, inside.to - inside.from);
  return inside.left + Math.min(1, Math.max(0, share)) * (inside.right - inside.left);
}

/** The moment at a place of the axis. */
export function timeAt(segments: Segment[], place: number): number {
  const inside = segments.find((each) => place <= each.right) ?? segments[segments.length - 1];
  const width = inside.right - inside.left;
  const share = width ? (place - inside.left) / width : 0;
  return inside.from + Math.min(1, Math.max(0, share)) * (inside.to - inside.from);
}

/** What is seen of the axis: both from 0 to 1. */
export interface Window {
  left: number;
  right: number;
}

const NARROWEST = 1e-5;

export function zoomed(window: Window, factor: number, around: number): Window {
  const width = Math.min(1, Math.max(NARROWEST, (window.right - window.left) * factor));
  const share = (around - window.left) / (window.right - window.left || 1);
  return moved({ left: around - share * width, right: around - share * width + width }, 0);
}

export function moved({ left, right }: Window, by: number): Window {
  const width = Math.min(1, right - left);
  const start = Math.min(1 - width, Math.max(0, left + by));
  return { left: start, right: start + width };
}

/** Round distances for the labels of an axis, in milliseconds. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 108e5, 216e5, 864e5, 6048e5];

export function labels(segments: Segment[], window: Window, most: number): number[] {
  const found: number[] = [];
  for (const segment of segments.filter((each) => !each.isCut)) {
    const share = (segment.right - segment.left) / (window.right - window.left);
    if (segment.right < window.left || segment.left > window.right || share <= 0) continue;
    const room = Math.max(1, Math.floor(most * share));
    const step = STEPS.find((each) => (segment.to - segment.from) / each <= room) ?? STEPS[STEPS.length - 1];
    for (let time = Math.ceil(segment.from / step) * step; time <= segment.to; time += step) found.push(time);
  }
  return found.filter((time) => {
    const place = placeOf(segments, time);
    return place >= window.left && place <= window.right;
  });
}
