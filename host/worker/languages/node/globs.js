'use strict';
/** The files that the `main` of a package.json names: a path, a folder, or a pattern (platform/node-worker.md 1). */

const fs = require('node:fs');
const path = require('node:path');

const MAGIC = /[*?[\]{}]|[@!+]\(/;

/** @param {string} pattern @param {string} root @returns {string[]} relative to the root, with `/`, in order of name */
function find(pattern, root) {
  const wanted = braces(pattern.replace(/^\.\//, '')).map((each) => (isFolder(root, each) ? `${each}/**` : each));
  const tests = wanted.map((each) => ({ test: toRegExp(each), packages: each.split('/').includes('node_modules') }));
  const found = new Set();
  for (const [index, each] of wanted.entries()) {
    if (!hasMagic(each)) {
      if (isFile(path.join(root, each))) found.add(each);
      continue;
    }
    for (const file of below(root, base(each), tests[index].packages))
      if (tests[index].test.test(file)) found.add(file);
  }
  return [...found].sort();
}

function hasMagic(pattern) {
  return MAGIC.test(pattern);
}

/** `a/{b,c}.js` is `a/b.js` and `a/c.js`; braces nest, and `{1..3}` counts. */
function braces(pattern) {
  const open = pattern.indexOf('{');
  const close = open < 0 ? -1 : closing(pattern, open);
  if (close < 0) return [pattern];
  const [head, tail] = [pattern.slice(0, open), pattern.slice(close + 1)];
  return choices(pattern.slice(open + 1, close)).flatMap((each) => braces(head + each + tail));
}

function closing(pattern, open) {
  for (let at = open, depth = 0; at < pattern.length; at++) {
    depth += pattern[at] === '{' ? 1 : pattern[at] === '}' ? -1 : 0;
    if (depth === 0) return at;
  }
  return -1;
}

function choices(inner) {
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(inner);
  if (range) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    return Array.from({ length: Math.abs(to - from) + 1 }, (_, n) => String(from < to ? from + n : from - n));
  }
  const parts = [''];
  let depth = 0;
  for (const letter of inner) {
    depth += letter === '{' ? 1 : letter === '}' ? -1 : 0;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

/** The part of a pattern before the first segment that is one. */
function base(pattern) {
  const segments = pattern.split('/');
  return segments.slice(0, segments.findIndex(hasMagic)).join('/');
}

/** How often a group in brackets may come, by the sign before it. */
const GROUPS = { '@': '', '?': '?', '*': '*', '+': '+' };
const NO_DOT = '(?!\\.)';

function toRegExp(pattern) {
  return new RegExp(`^${translated(pattern, true)}$`);
}

/** @param {string} pattern @param {boolean} begins whether a name begins here: `*` and `?` then match no dot */
function translated(pattern, begins) {
  if (!pattern) return '';
  const [letter] = pattern;
  if (pattern[1] === '(' && (letter in GROUPS || letter === '!')) return group(pattern);
  if (begins && pattern.startsWith('**/')) return `(?:${NO_DOT}[^/]+/)*${translated(pattern.slice(3), true)}`;
  if (begins && pattern === '**') return `(?:${NO_DOT}[^/]+/)*${NO_DOT}[^/]+`;
  const end = letter === '[' ? pattern.indexOf(']', 2) : -1;
  if (end > 0) return letters(pattern.slice(1, end)) + translated(pattern.slice(end + 1), false);
  const rest = translated(pattern.slice(1), letter === '/');
  if (letter === '*') return `${begins ? NO_DOT : ''}[^/]*${rest}`;
  if (letter === '?') return `${begins ? NO_DOT : ''}[^/]${rest}`;
  return letter.replace(/[.+^${}()|[\]\\]/, '\\$&') + rest;
}

function letters(inner) {
  return `[${inner.replace(/^!/, '^').replace(/\\/g, '\\\\')}]`;
}

/** `@(a|b)` and its like; of `!(a)`, what follows decides what it must not be. */
function group(pattern) {
  const close = pattern.indexOf(')');
  const inner = pattern
    .slice(2, close)
    .split('|')
    .map((each) => translated(each, false))
    .join('|');
  const rest = translated(pattern.slice(close + 1), false);
  return pattern[0] === '!' ? `(?!(?:${inner})${rest}$)[^/]*${rest}` : `(?:${inner})${GROUPS[pattern[0]]}${rest}`;
}

function* below(root, folder, packages) {
  for (const entry of entries(path.join(root, folder))) {
    const place = folder ? `${folder}/${entry.name}` : entry.name;
    if (isFolder(root, place)) {
      if (packages || entry.name !== 'node_modules') yield* below(root, place, packages);
    } else yield place;
  }
}

function entries(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFolder(root, place) {
  return !hasMagic(place) && fs.statSync(path.join(root, place), { throwIfNoEntry: false })?.isDirectory() === true;
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

module.exports = { find, hasMagic };
