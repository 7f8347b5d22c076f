"""The dashboard's API of instances and entities (docs/dashboard-api.md). Imported only for apps that have some."""
