param([byte[]] $InputBlob, $TriggerMetadata)

Write-Host "The blob trigger function {{name}} found $($TriggerMetadata.Name) ($($InputBlob.Length) bytes)."
