using namespace System.Net

# Starts the orchestrator that the route names, with the body as its input.
param($Request, $TriggerMetadata)

$instanceId = Start-DurableOrchestration -FunctionName $Request.Params.FunctionName -InputObject $Request.Body
Write-Host "Started orchestration with ID = '$instanceId'."
Push-OutputBinding -Name Response -Value (New-DurableOrchestrationCheckStatusResponse -Request $Request -InstanceId $instanceId)
