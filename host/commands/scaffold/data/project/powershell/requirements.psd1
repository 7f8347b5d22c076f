# Modules of the PowerShell Gallery that the worker installs, by name and version: 'Az' = '12.*', for example.
@{
}
