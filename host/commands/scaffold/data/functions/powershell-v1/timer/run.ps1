param($Timer)

if ($Timer.IsPastDue) {
    Write-Host "The timer is late."
}
Write-Host "The timer trigger function {{name}} ran."
