"""What people see of a task hub beyond its stored rows: timelines, waits, past custom statuses, a sortable list.

Nothing of it takes part in an episode. What a history does not hold is computed by a quiet replay, and said to be so.
"""
