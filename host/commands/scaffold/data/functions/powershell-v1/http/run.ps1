using namespace System.Net

param($Request, $TriggerMetadata)

Write-Host "The HTTP trigger function {{name}} received a request."
$name = $Request.Query.Name
if (-not $name) {
    $name = $Request.Body.Name
}
$body = if ($name) { "Hello, $name. It works." } else { "It works. Say who you are: ?name=..., or a JSON body with a member name." }
Push-OutputBinding -Name Response -Value ([HttpResponseContext]@{
    StatusCode = [HttpStatusCode]::OK
    Body = $body
})
