/** What the host found in a custom status that looks like progress. */
import type { Progress, StatusValue } from './types';

const LEAST_VALUES = 3;
const LEAST_TIME = 5000;
const RATES = 5;

export function wordsOf({ kind, value, of, percent }: Progress): string {
  if (kind === 'of' && of !== null) return `${value} of ${of}`;
  return percent === null ? String(value) : `${Math.round(percent)} %`;
}

/** A custom status of the list of past ones as a number: for the chart, and for what is left. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return firstNumber(value);
  if (Array.isArray(value)) return value.length === 2 && value.every((each) => typeof each === 'number') ? (value[0] as number) : null;
  if (!value || typeof value !== 'object') return null;
  const numbers = Object.values(value).filter((each) => typeof each === 'number');
  return numbers.length ? (numbers[0] as number) : null;
}

function firstNumber(text: string): number | null {
  const found = /^\D*(\d+(?:\.\d+)?)\D/.exec(text);
  return found ? Number(found[1]) : null;
}

/** Milliseconds that are left by the median of the last rates; null where that would be a guess. */
export function estimate(values: StatusValue[], progress: Progress): number | null {
  const total = progress.of ?? (progress.percent === null ? null : (100 * progress.value) / progress.percent);
  const known = values.flatMap((each) => {
    const value = numberOf(each.value);
    return value === null ? [] : [{ at: Date.parse(each.at), value }];
  });
  if (!total || known.length < LEAST_VALUES || known[known.length - 1].at - known[0].at < LEAST_TIME) return null;
  const rates = known.slice(1).map((each, index) => (each.value - known[index].value) / (each.at - known[index].at));
  const recent = rates.slice(-RATES).filter((rate) => rate > 0 && Number.isFinite(rate)).sort((a, b) => a - b);
  return recent.length < 2 || progress.value >= total ? null : (total - progress.value) / recent[Math.floor(recent.length / 2)];
}
