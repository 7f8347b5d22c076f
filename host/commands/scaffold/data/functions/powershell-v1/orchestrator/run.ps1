# An HTTP starter (template "Durable Functions HTTP starter") or the management API starts this orchestrator. It calls the
# activity "Hello" (template "Durable Functions activity").
param($Context)

foreach ($city in 'Tokyo', 'Seattle', 'London') {
    Invoke-DurableActivity -FunctionName 'Hello' -Input $city
}
