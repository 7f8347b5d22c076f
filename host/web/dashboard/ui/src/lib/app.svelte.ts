/** The app as the host has it: every page shows its problems, so it is loaded once. */
import { get } from './api';
import { Resource, paced } from './resource.svelte';
import type { AppState, FunctionRow } from './types';
import { live } from './live.svelte';

export const app = new Resource<AppState>(() => get(['app']));
export const functions = new Resource<FunctionRow[]>(() => get(['functions']));

const again = paced(() => {
  void app.reload();
  void functions.reload();
}, 200);

/** Keep both true until the returned function is called. */
export function follow(): () => void {
  void app.reload();
  void functions.reload();
  return live.listen(['app', 'reload'], { app: again, reload: again, reset: again });
}
