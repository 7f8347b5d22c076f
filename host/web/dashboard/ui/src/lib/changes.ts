/** What differs between two JSON values, as a short list: `step 1 → 2`, `+ warnings[0]`. */

const SHOWN = 6;
const LONGEST = 40;

export function changes(before: unknown, after: unknown): string[] {
  const found: string[] = [];
  compare('', before, after, found);
  return found.length > SHOWN ? [...found.slice(0, SHOWN), `${found.length - SHOWN} more`] : found;
}

function compare(path: string, before: unknown, after: unknown, found: string[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const below = Array.isArray(after) ? `${path}[${name}]` : path ? `${path}.${name}` : name;
      if (!(name in before)) found.push(`+ ${below} ${brief(after[name])}`);
      else if (!(name in after)) found.push(`− ${below}`);
      else compare(below, before[name], after[name], found);
    }
    return;
  }
  found.push(`${path ? `${path} ` : ''}${brief(before)} → ${brief(after)}`);
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
