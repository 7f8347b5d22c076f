param([string] $QueueItem, $TriggerMetadata)

Write-Host "The queue trigger function {{name}} received: $QueueItem"
