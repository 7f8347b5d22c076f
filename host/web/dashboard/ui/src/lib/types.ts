/** Shapes of the dashboard's API. Times are ISO texts, durations milliseconds. */

export interface Problem {
  file: string | null;
  line: number | null;
  pointer: string | null;
  function: string | null;
  severity: 'error' | 'warning';
  text: string;
  hint: string | null;
}

export interface Worker {
  language: string;
  pid: number;
  executable: string;
  running: number;
  is_ready: boolean;
}

export interface AppState {
  name: string;
  root: string;
  version: string;
  language: string | null;
  host: { version: string; pid: number; started: string; address: string };
  state: 'running' | 'error' | 'starting';
  /** Counts the versions of the app that went into service, from 1. */
  app_version: number;
  refused: Reload | null;
  problems: Problem[];
  workers: Worker[];
  storage: { kind: string; address: string | null; state: 'ok' | 'starting' | 'away'; text: string | null } | null;
  hub: { name: string; kind: string } | null;
}

export type FunctionState = 'ok' | 'broken' | 'disabled';

export interface RouteValue {
  name: string;
  constraint: string | null;
  optional: boolean;
}

export interface FunctionRow {
  name: string;
  language: string | null;
  trigger: string | null;
  directory: string | null;
  script: string | null;
  line: number | null;
  state: FunctionState;
  problems: Problem[];
  address: string | null;
  methods: string[] | null;
  route: string | null;
  route_values: RouteValue[];
  auth_level: string | null;
  schedule: string | null;
  next_run: string | null;
  bindings: { name: string; type: string; direction: string; properties: Record<string, unknown> }[];
}

export interface InvocationRow {
  id: string;
  function: string;
  trigger: string;
  reason: string;
  what: string;
  state: 'running' | 'succeeded' | 'failed';
  started: string;
  duration_ms: number | null;
  status: number | null;
  error: string | null;
  instance: string | null;
  is_episode: boolean;
  attempt: number;
  version: number;
  again_of: string | null;
}

/** A body or a value. `cut`: how many bytes of `size` are here, null if all are. */
export interface Body {
  content_type: string | null;
  size: number;
  cut: number | null;
  text: string | null;
  base64: string | null;
}

export interface Header {
  name: string;
  value: string;
  secret: boolean;
}

export interface SentRequest {
  method: string;
  url: string;
  headers: Header[];
  route_values: Record<string, string>;
  body: Body;
}

export interface SentResponse {
  status: number;
  headers: Header[];
  body: Body;
}

export interface SourceLine {
  line: number;
  text: string;
}

export interface Frame {
  file: string;
  line: number;
  function: string;
  source: SourceLine[];
  is_user: boolean;
  is_changed?: boolean;
}

export interface Raised {
  type: string | null;
  message: string;
  frames: Frame[];
}

export interface Exception extends Raised {
  causes: Raised[];
  text: string;
}

export interface LogLine {
  number: number;
  at: string;
  level: string;
  category: string;
  source: 'user' | 'print' | 'host';
  text: string;
}

export interface NamedValue {
  name: string;
  value: Body | null;
}

export interface Invocation extends InvocationRow {
  /** False for what ran before a page was opened: its values are not known. */
  kept: boolean;
  request: SentRequest | null;
  response: SentResponse | null;
  trigger_value: Body | null;
  inputs: NamedValue[];
  outputs: NamedValue[];
  returned: Body | null;
  metadata: Record<string, string>;
  exception: Exception | null;
  logs: LogLine[];
  logs_lost: number;
}

/** What a call was answered with: an invocation, or the response alone if no function was called. */
export interface Called {
  invocation: string | null;
  response: SentResponse | null;
}

export interface Progress {
  kind: 'fraction' | 'percent' | 'of' | 'counter';
  value: number;
  of: number | null;
  percent: number | null;
}

export interface Note {
  kind: 'waits' | 'error' | 'output' | null;
  text: string;
  since?: string;
  file?: string;
  line?: number;
}

export interface InstanceRow {
  id: string;
  name: string;
  status: string;
  created: string;
  updated: string;
  custom_status: { text: string; progress: Progress | null; cut: boolean } | null;
  note: Note | null;
  parent: string | null;
}

/** What an event tells of a row. */
export type InstanceChange = InstanceRow | { id: string; deleted: true };

export interface InstancePage {
  items: InstanceRow[];
  token: string | null;
  counts: Record<string, number> | null;
  total: number | null;
  complete: boolean;
  sortable: boolean;
  kind: 'none' | 'empty' | 'filtered' | null;
}

export interface Wait {
  kind: 'activity' | 'timer' | 'event' | 'child' | 'entity' | 'retry' | 'http' | 'lock';
  name: string;
  task: string | null;
  since: string;
  due: string | null;
  attempt: number | null;
  of: number | null;
  file: string | null;
  line: number | null;
  function: string | null;
  source_line: string | null;
  child: string | null;
  source: 'live' | 'recomputed';
}

export interface InstanceError {
  type: string | null;
  message: string;
  text: string | null;
  /** The traceback, as the worker told it. */
  trace: string | null;
  file: string | null;
  line: number | null;
  function: string | null;
  source_line: string | null;
  frames: Frame[];
  causes: Raised[];
  task: string | null;
  child: string | null;
  orchestrator: { file: string; line: number; function: string | null; source_line: string | null } | null;
  source: 'recorded' | 'recomputed';
}

export interface Generation {
  execution_id: string;
  generation: number;
  created: string;
  input: unknown;
  status: string;
  events: number;
}

export interface Instance extends Omit<InstanceRow, 'parent'> {
  input: unknown;
  output: unknown;
  /** How long what is cut is in whole, in characters. */
  cut: { input?: number; output?: number };
  version: string | null;
  custom_status_text: string | null;
  custom_status_bytes: number;
  custom_status_limit: number;
  completed: string | null;
  parent: { id: string; name: string; task: string | null } | null;
  children: number;
  execution_id: string;
  generation: number | null;
  generations: Generation[];
  scheduled: string | null;
  waits: Wait[];
  /** Why it cannot go on at all. */
  obstacle: string | null;
  error: InstanceError | null;
  allowed: string[];
  refused: Record<string, string>;
  events: number;
  replay: { state: 'done' | 'failed' | 'none'; ms: number | null; note: string | null };
}

export type RowState = 'done' | 'failed' | 'open' | 'cancelled';

export interface Group {
  count: number;
  done: number;
  failed: number;
  open: number;
  cancelled: number;
  median_ms: number | null;
  p95_ms: number | null;
  slowest_ms: number | null;
  slowest: string | null;
  first_failed: string | null;
  pattern: string[];
  repeats: number;
}

export interface TimelineRow {
  task: string;
  kind: string;
  name: string;
  label: string;
  parent: string | null;
  start: string;
  running: string | null;
  end: string | null;
  due: string | null;
  state: RowState;
  attempts: number | null;
  attempt: number | null;
  of: number | null;
  child: string | null;
  file: string | null;
  line: number | null;
  function: string | null;
  has_input: boolean;
  has_output: boolean;
  error: string | null;
  is_skewed: boolean;
  is_wait: boolean;
  events: number[];
  children: number;
  group: Group | null;
}

export interface Timeline {
  id: string;
  execution_id: string;
  name: string;
  status: string;
  now: string;
  begin: string;
  end: string | null;
  events: number;
  length: number;
  from_row: number;
  rows: TimelineRow[];
  episodes: { n: number; start: string; end: string | null; messages: number }[];
  bands: { kind: string; start: string; end: string | null; reason: string | null }[];
  marks: { kind: string; task: string | null; name: string; at: string; taken: boolean | string | null }[];
  finish: { at: string; kind: string; text: string } | null;
  recomputed: boolean;
  note: string | null;
}

export interface StatusValue {
  at: string;
  value: unknown;
  text: string;
  episode: number | null;
  source: 'recorded' | 'recomputed';
  bytes: number;
}

export interface CodeFile {
  path: string;
  text: string;
  marks: { line: number; kind: 'waits' | 'failed'; task: string | null }[];
}

export interface TaskDetail {
  task: string;
  kind: string;
  name: string;
  row: TimelineRow;
  input: unknown;
  input_source: 'recorded' | 'recomputed' | null;
  output: unknown;
  cut: { input?: number; output?: number };
  error: InstanceError | null;
  attempts: TimelineRow[];
  child: string | null;
  events: Record<string, unknown>[];
}

export interface Reload {
  n: number;
  at: string;
  changed: string[];
  ms: number;
  result: 'entered' | 'refused';
  version: number;
  faults: string[];
  problems: Problem[];
}

export interface Hidden {
  value: unknown;
  secret: boolean;
  length: number | null;
}

export interface HostValue extends Hidden {
  pointer: string;
  from: string;
  variable: string | null;
  line: number | null;
}

export interface Setting extends Hidden {
  name: string;
  from?: string;
}

export interface Settings {
  host_json: HostValue[];
  environment: Setting[];
  local_host: Setting[];
  options: Setting[];
  keys: { scope: string; name: string }[];
}

export interface Operation {
  at: string;
  operation: string;
  is_signal: boolean;
  input: unknown;
  result: unknown;
  error: string | { message?: string } | null;
  parent: string | null;
}

export interface EntityRow {
  id: string;
  name: string;
  key: string;
  exists: boolean;
  state: { text: string; cut: boolean } | null;
  locked_by: string | null;
  queue: number;
  updated: string | null;
  last: Operation | null;
}

export interface Entity extends Omit<EntityRow, 'state' | 'queue' | 'last'> {
  state: unknown;
  queue: { operation: string | null; is_signal: boolean; parent: string | null; input: unknown; due: string | null; is_lock: boolean }[];
  operations: Operation[];
}
