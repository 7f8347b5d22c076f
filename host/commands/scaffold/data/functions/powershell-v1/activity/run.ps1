# An orchestrator (template "Durable Functions orchestrator") calls this activity.
param($name)

"Hello $name!"
